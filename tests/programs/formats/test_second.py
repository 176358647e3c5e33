"""Where SCIP reads a file as another program than we do, the file is refused; what only SCIP takes otherwise is not."""

import time
from pathlib import Path

import pytest
from tiny import INF

from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.read import read
from becalm_programs.formats.text.lines import Lines
from becalm_programs.formats.text.refusal import RefusedError
from becalm_programs.formats.text.second import compare

pytest.importorskip("pyscipopt")
LP = "Maximize\n obj: x + 2 y + 5\nSubject To\n c: x + x + y <= 3\n d: y >= -1\nBounds\n x <= 4\nGeneral\n x\nEnd\n"


def saved(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_scip_agrees_with_a_plain_file(tmp_path: Path) -> None:
    program = read(saved(tmp_path, LP, "model.lp"))
    assert program.maximise and program.rows.toarray().tolist() == [[2, 1], [0, 1]]


def test_a_spelling_that_scip_takes_for_another_is_read(tmp_path: Path) -> None:
    assert read(saved(tmp_path, LP.replace("Maximize", "maximise"), "model.lp")).maximise


DIFFERENT = {
    "it is a maximisation there": {"maximise": False},
    "constant is 5 there and 4 here": {"offset": 4.0},
    "has 2 y there and 3 y here": {"cost": [1, 3]},
    "'x' is from 0 to 4 there and from 0 to 3 here": {"high": [3, INF]},
    "'x' is an integer there": {"integer": [False, False]},
    "row 'c' has other coefficients there": {"rows": [[1, 1], [0, 1]]},
    "row 'd' is from -1 to 1e[+]20 there and from -2 to inf here": {"row_low": [-INF, -2]},
    "there is a variable 'y' there": {"names": ["x", "z"]},
    "2 rows have sides there and 1 here": {"row_low": [-INF, -INF]},
}


@pytest.mark.parametrize("says", DIFFERENT)
def test_a_difference_is_a_sentence(says: str, tmp_path: Path) -> None:
    right = {
        "cost": [1, 2], "rows": [[2, 1], [0, 1]], "row_low": [-INF, -1], "row_high": [3, INF], "high": [4, INF],
        "integer": [True, False], "names": ["x", "y"], "row_names": ["c", "d"], "offset": 5.0, "maximise": True,
    }  # fmt: skip
    lines = Lines(saved(tmp_path, LP, "model.lp"), 2**20, time.monotonic() + 60)
    with pytest.raises(RefusedError, match=says):
        compare(from_arrays(**(right | DIFFERENT[says])), lines, ".lp")
