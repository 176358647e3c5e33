"""``becalm programs sample``: a program in; a table, files and a picture out, each saying what was verified."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.read import read
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--steps", 4, "--search-steps", 60, "--device", "cpu", "--quiet")


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    return saved(tmp_path / "cover.mps.gz", generate("set-cover", "tiny", 0))


def saved(path: Path, program: Program) -> Path:
    write_mps(path, program)
    return path


def figures(out: str) -> dict[str, Any]:
    """The table of --json as a mapping, and the lines beside it."""
    told = json.loads(out)
    (table,) = told["tables"]
    return {row["figure"]: row["value"] for row in table["rows"]} | {"title": table["title"], "lines": told["lines"]}


def test_the_table_says_what_the_file_holds(becalm: Run, cover: Path) -> None:
    code, out, err = becalm(
        "programs", "sample", cover, "--count", 9, "--out", "a.npz", "--checkpoint", "none", *QUICK, "--json"
    )
    assert (code, err) == (0, "")
    told, program = figures(out), read(cover)
    with np.load("a.npz") as file:
        x, objective, feasible = file["x"], file["objective"], file["feasible"]
        assert tuple(file["names"]) == program.names
    verdict = verify(program, x)
    assert verdict.feasible.tolist() == feasible.tolist()
    assert told["feasible"] == f"{feasible.sum()} of 9"
    assert told["objective, best feasible"] == objective[feasible].min()
    assert told["objective, worst feasible"] == objective[feasible].max()
    assert told["objective, mean feasible"] == pytest.approx(objective[feasible].mean())
    assert told["violation, worst of all"] == verdict.max_violation.max()
    assert told["distinct feasible"] == len(np.unique(x[feasible], axis=0))
    assert told["tier"] == "guided" and told["network"] == "no network" and told["network calls"] == 0
    assert told["seconds per feasible"] == pytest.approx(told["seconds"] / feasible.sum())
    assert told["title"] == "cover: minimise, 10 binary, 6 rows, 24 nonzeros"
    assert told["lines"][0] == "guidance works without a network, as asked" and told["lines"][-1] == "a.npz"


@pytest.mark.parametrize("suffix", [".npz", ".json", ".sol", ".mst"])
def test_the_suffix_names_the_format(becalm: Run, cover: Path, suffix: str) -> None:
    code, out, _ = becalm("programs", "sample", cover, "--count", 2, "--out", f"there/a{suffix}", *QUICK)
    assert code == 0 and out.endswith(f"there/a{suffix}\n")
    assert Path(f"there/a{suffix}").stat().st_size > 0


def test_the_picture_is_a_png_and_changes_no_solution(becalm: Run, cover: Path) -> None:
    words = ("programs", "sample", cover, "--count", 4, *QUICK)
    assert becalm(*words, "--out", "a.json")[0] == 0
    assert becalm(*words, "--out", "b.json", "--picture", "a.png")[0] == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_where_nothing_is_feasible_the_table_says_so_and_the_command_has_done_its_work(
    becalm: Run, tmp_path: Path
) -> None:
    # An odd cycle: half of each would do, and no row alone shows that nothing else does.
    odd = from_arrays([1, 1, 1], [[1, 1, 0], [0, 1, 1], [1, 0, 1]], [1, 1, 1], [1, 1, 1])
    program = saved(tmp_path / "model.mps", odd)
    code, out, _ = becalm("programs", "sample", program, "--count", 5, *QUICK, "--json", "--picture", "a.png")
    told = figures(out)
    assert code == 0 and told["feasible"] == "0 of 5"
    assert told["objective, best feasible"] is None and told["seconds per feasible"] is None
    assert any("nothing feasible was found" in line and "misses 1 in r" in line for line in told["lines"])
    code, out, _ = becalm("programs", "sample", program, "--count", 5, "--tier", "completion", *QUICK, "--json")
    assert code == 0 and "the program is infeasible" in figures(out)["lines"][-1]
    assert figures(out)["lines"][-1].endswith(("HiGHS proves it", "SCIP proves it"))


def test_infeasibility_that_rows_show_is_said_with_the_row_and_nothing_is_sampled(becalm: Run, tmp_path: Path) -> None:
    program = saved(tmp_path / "model.mps", from_arrays([1, 1], [[4, 2], [2, 4]], [3, 3], [3, 3]))
    code, out, _ = becalm("programs", "sample", program, "--count", 5, *QUICK, "--json")
    told = figures(out)
    assert code == 0 and told["feasible"] == "0 of 5" and told["network calls"] == 0
    assert "the program is infeasible: row 'r0' cannot hold within the bounds that the others leave" in told["lines"]


def test_samples_that_are_copies_of_one_solution_are_called_so(becalm: Run, tmp_path: Path) -> None:
    program = saved(tmp_path / "model.mps", from_arrays([1, 1], [[1, 0], [0, 1]], row_low=[1, 1]))
    code, out, _ = becalm("programs", "sample", program, "--count", 4, *QUICK, "--json")
    assert code == 0 and any(
        "the 4 feasible samples are copies of one solution" in line for line in figures(out)["lines"]
    )


def test_the_network_is_chosen_by_structure_and_the_choice_is_said(becalm: Run, cover: Path, tmp_path: Path) -> None:
    program = saved(tmp_path / "model.mps", generate("knapsack", "tiny", 0))
    code, out, _ = becalm("programs", "sample", program, "--count", 2, *QUICK, "--json")
    told = figures(out)
    assert code == 0 and told["network"] == "no network"
    assert "no bundled network is for a program of this structure" in told["lines"][0]
    code, out, _ = becalm("programs", "sample", cover, "--count", 2, *QUICK, "--json")
    assert code == 0 and "a set cover" in figures(out)["lines"][0]


def test_it_is_said_which_continuous_variables_a_linear_program_found(becalm: Run, tmp_path: Path) -> None:
    mixed = from_arrays([2.0, 1.0, 3.0], [[1.0, 1.0, 1.0]], [1.7], [1.7], high=[1, 1, 5], integer=[True, True, False])
    program = saved(tmp_path / "model.mps", mixed)
    code, out, _ = becalm("programs", "sample", program, "--count", 3, *QUICK, "--json")
    told = figures(out)
    assert code == 0 and "where the sample was infeasible" in told["continuous variables"]
    assert told["feasible"] == "3 of 3"
    code, out, _ = becalm("programs", "sample", program, "--count", 3, "--tier", "completion", *QUICK, "--json")
    told = figures(out)
    assert code == 0 and "finished by a linear program" in told["continuous variables"]
    assert told["feasible"] == "3 of 3"


def test_each_seed_is_one_result(becalm: Run, cover: Path) -> None:
    words = ("programs", "sample", cover, "--count", 3, "--objective-weight", 0, *QUICK)
    for name, extra in (("a", ()), ("b", ("--batch", 1)), ("c", ("--seed", 1))):
        assert becalm(*words, *extra, "--out", f"{name}.json")[0] == 0
    one, two, other = (Path(f"{name}.json").read_bytes() for name in "abc")
    assert one == two != other
