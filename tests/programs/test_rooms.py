"""Imports between the rooms of becalm_programs go one way, and a solver is known by its name alone."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import becalm_programs

ROOT = Path(becalm_programs.__file__).parent


def room(module: str) -> str:
    """The room of a module, or the module where it stands in none."""
    return module.split(".")[1]


def test_rooms_import_each_other_in_one_direction() -> None:
    imports: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        if here == "__init__":
            continue
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        found = {room(node.module) for node in nodes if node.module and node.module.startswith("becalm_programs.")}
        imports.setdefault(here, set()).update(found - {here})
    TopologicalSorter(imports).prepare()  # Raises if there is a circle.


def test_the_names_of_solvers_are_light() -> None:
    command = "import sys, becalm_programs.solvers.registry; print(*({'torch', 'numpy', 'highspy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
