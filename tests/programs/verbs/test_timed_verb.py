"""``becalm programs sample --seconds``: a pool in a table and a file, the words for what is missing, and Ctrl-C."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from becalm_programs.anytime.search import AnytimeSearch, Moment
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.read import read
from becalm_programs.problem.verify import verify

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--seconds", 0.05, "--start", "greedy,swap", "--device", "cpu", "--quiet", "--json")


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    write_mps(tmp_path / "cover.mps.gz", generate("set-cover", "tiny", 0))
    return tmp_path / "cover.mps.gz"


def test_the_table_says_what_the_file_holds(becalm: Run, cover: Path) -> None:
    words = ("programs", "sample", cover, "--distinct", 3, "--within", "50%", "--out", "a.npz")
    code, out, err = becalm(*words, "--seconds", 60, *QUICK[2:])
    assert (code, err) == (0, "")
    told = json.loads(out)
    figures = {row["figure"]: row["value"] for row in told["tables"][0]["rows"]}
    with np.load("a.npz") as file:
        x, value = file["x"], file["objective"]
    assert verify(read(cover), x).feasible.all() and len(np.unique(x, axis=0)) == len(x) == 3
    assert figures["different solutions"] == 3 and figures["objective, best"] == value.min() == value[0]
    assert {row["start"] for row in told["tables"][1]["rows"]} <= {"greedy", "swap"}
    assert told["lines"][-1] == "a.npz"


def test_what_is_missing_is_said_with_what_to_do(becalm: Run, cover: Path, tmp_path: Path) -> None:
    _, out, _ = becalm("programs", "sample", cover, "--distinct", 5000, "--within", ".01", *QUICK)
    (line,) = [line for line in json.loads(out)["lines"] if "of 5000 different" in line]
    assert "were found within 1%: more --seconds or a wider --within may bring others" in line
    write_mps(tmp_path / "none.mps", from_arrays([1, 1], [[4, 2], [2, 4]], [3, 3], [3, 3]))
    code, out, _ = becalm("programs", "sample", tmp_path / "none.mps", *QUICK, "--out", "b.sol")
    lines = json.loads(out)["lines"]
    assert code == 0 and "the program is infeasible: row 'r0'" in lines[-2]
    assert "b.sol is not written" in lines[-1] and not Path("b.sol").exists()


def test_flags_that_do_nothing_and_unknown_starts_are_refused(becalm: Run, cover: Path) -> None:
    code, _, err = becalm("programs", "sample", cover, "--distinct", 3, "--count", 5)
    assert code == 2 and "--count does nothing where solutions are searched for a time: --distinct says how many" in err
    code, _, err = becalm("programs", "sample", cover, "--start", "gredy")
    assert code == 2 and "did you mean 'greedy'?" in err
    code, out, _ = becalm("programs", "sample", "--help")
    assert code == 0 and "randomised greedy" in " ".join(out.split())


def test_ctrl_c_ends_with_what_was_found(becalm: Run, cover: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = AnytimeSearch.run

    def pressed(search: AnytimeSearch) -> Iterator[Moment]:
        moments = run(search)
        yield next(moments)
        yield next(moments)
        raise KeyboardInterrupt

    monkeypatch.setattr(AnytimeSearch, "run", pressed)
    result: Any = becalm("programs", "sample", cover, "--seconds", 100, "--start", "greedy,swap", "--out", "a.npz")
    assert result[0] == 130 and "different solutions" in result[1]
    with np.load("a.npz") as file:
        assert verify(read(cover), file["x"]).feasible.all() and len(file["x"]) > 0
