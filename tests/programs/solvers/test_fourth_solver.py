"""A fourth solver is one new file and its name in the registry: every verb, option, table and check knows it then."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import becalm_programs
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps

TOY = '''"""Takes what greedy makes for the best there is."""

import math

from becalm_programs.search.greedy import greedy
from becalm_programs.solvers.solver import FEASIBLE, NOTHING, Claim, Solver


def solve(program, seconds, start, threads, log):
    """As ``becalm_programs.solvers.solve`` says."""
    found = greedy(program)
    if not len(found):
        return Claim(None, -math.inf, NOTHING)
    log.add(float(program.cost @ found[0]))
    return Claim(found[0], -math.inf, FEASIBLE)


SOLVER = Solver("toy", "Toy", "numpy", "numpy", solve)
'''


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with becalm_programs as it is, a file more, and a name more in the registry; and a program."""
    folder = tmp_path_factory.mktemp("four")
    source = Path(becalm_programs.__file__).parent
    package = folder / "becalm_programs"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__", "pretrained"))
    (package / "solvers/toy.py").write_text(TOY)
    registry = package / "solvers/registry.py"
    registry.write_text(registry.read_text().replace('"scip"]', '"scip", "toy"]'))
    write_mps(folder / "model.mps", generate("set-cover", "tiny", 3))
    return folder


def ask(folder: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path[1:]])}
    command = [sys.executable, "-m", "becalm_apps", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(printed: str) -> list[dict[str, object]]:
    """The rows of all tables in what --json prints."""
    values = json.loads(printed).values()
    tables = [table for value in values for table in (value if isinstance(value, list) else [value])]
    return [row for table in tables if isinstance(table, dict) for row in table.get("rows", [])]


def test_a_fourth_solver_solves(four: Path) -> None:
    printed = ask(four, "programs", "solve", "model.mps", "--solver", "toy", "--seconds", "5", "--json")
    (cold,) = (row for row in rows(printed) if row.get("run") == "cold")
    assert cold["status"] == "feasible" and cold["objective"] > 0


def test_a_fourth_solver_is_compared_and_listed(four: Path) -> None:
    printed = ask(four, "programs", "evaluate", "--size", "tiny", "--count", "1", "--methods", "toy,greedy", "--json")
    assert {"Toy", "greedy"} <= {row["method"] for row in rows(printed)}
    assert "Toy" in ask(four, "doctor")
    assert "toy" in ask(four, "programs", "solve", "--help")
