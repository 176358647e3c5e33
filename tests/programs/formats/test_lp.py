"""LP files are read whatever their spelling; what readers take differently is refused by its line."""

from pathlib import Path

import pytest
from said import parsed, said

from becalm import UserError

BOX = "; x int 0..1; y int 0..1"
ENDING = "Binary\n x y\nEnd\n"


def whole(rows: str, *, objective: str = "x + y") -> str:
    return f"Minimize\n obj: {objective}\nSubject To\n {rows}\n{ENDING}"


def saved(folder: Path, text: str | bytes) -> Path:
    path = folder / "model.lp"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


ROWS = {
    "c: x + y >= 1": "1 <= +1 x +1 y",
    "c: x + y - 1 >= 0": "1 <= +1 x +1 y",
    "x + y - 1 >= 0": "1 <= +1 x +1 y",
    "x - 2 >= 3 - y": "5 <= +1 x +1 y",
    "c: x + y + x >= 2": "2 <= +2 x +1 y",
    "c: x >= y": "0 <= +1 x -1 y",
    "c: 2 >= x + y": "+1 x +1 y <= 2",
    "c: 1 <= x + y <= 3": "1 <= +1 x +1 y <= 3",
    "c: 3 >= x + y + 1 >= 1": "0 <= +1 x +1 y <= 2",
    "c: -inf <= x + y <= 3": "+1 x +1 y <= 3",
    "c: 1 <= x\n + y\n <= 3": "1 <= +1 x +1 y <= 3",
    "c: x +\n y\n >=\n 1": "1 <= +1 x +1 y",
    "c: x + y == 1": "+1 x +1 y = 1",
    "c: x + y =< 5\n d: x => 0": "+1 x +1 y <= 5; 0 <= +1 x",
    "x < 5\n - x + y > -1": "+1 x <= 5; -1 <= -1 x +1 y",
    "c: x >= 0 d: y >= 0": "0 <= +1 x; 0 <= +1 y",
    "c: 3x+2y<=4": "+3 x +2 y <= 4",
    "c: 2 * x - -y <= 4": "+2 x +1 y <= 4",
    "c: 1.5e1 x + .5y <= 4.": "+15 x +0.5 y <= 4",
    "c: 3 + 4 <= x + 2 + 3": "2 <= +1 x",
    "c: x + y >= -1e30": "+1 x +1 y",
    "c: x <= 2 \\ a comment: x >= 9": "+1 x <= 2",
    "\\ a comment\n\n c: x <= 2": "+1 x <= 2",
}


@pytest.mark.parametrize("text", ROWS)
def test_a_row_is_read_whatever_its_spelling(text: str, tmp_path: Path) -> None:
    assert said(parsed(saved(tmp_path, whole(text)))) == f"min +1 x +1 y; {ROWS[text]}{BOX}"


OBJECTIVES = {
    "x + x + y": "+2 x +1 y",
    "x + 2 y + 5": "+1 x +2 y 5",
    "5 - x - y - 3": "-1 x -1 y 2",
    "": "0",
    "0 x": "0",
}


@pytest.mark.parametrize("text", OBJECTIVES)
def test_an_objective_is_the_sum_of_its_terms(text: str, tmp_path: Path) -> None:
    found = said(parsed(saved(tmp_path, whole("c: x + y <= 2", objective=text))))
    assert found == f"min {OBJECTIVES[text]}; +1 x +1 y <= 2{BOX}"


BOUNDS = {
    "Bounds\n x <= 4": "x 0..4",
    "Bounds\n 4 >= x": "x 0..4",
    "Bounds\n -2 <= x <= 4": "x -2..4",
    "Bounds\n 4 >= x >= -2": "x -2..4",
    "Bounds\n x = 3": "x 3..3",
    "Bounds\n x free": "x -inf..inf",
    "Bounds\n -infinity <= x <= +INF": "x -inf..inf",
    "Bounds\n x >= -1e30": "x -inf..inf",
    "Bounds\n x >= 1 x <= 4": "x 1..4",
    "Bounds\n x <= 4\n x <= 4": "x 0..4",
    "Bounds\n -inf <= x <= -3": "x -inf..-3",
    "General\n x": "x int 0..inf",
    "Integers\n x\nBounds\n x <= 7.5": "x int 0..7",
    "Bounds\n 0 <= x <= 7\nBinary\n x": "x int 0..1",
    "Bounds\n x free\nBinary\n x": "x int 0..1",
    "Bounds\n x = 0\nBinaries\n x": "x int 0..0",
}


@pytest.mark.parametrize("text", BOUNDS)
def test_bounds_and_kinds_are_read_in_any_order(text: str, tmp_path: Path) -> None:
    content = f"max\n x\nst\n x <= 9\n{text}\nend\n"
    assert said(parsed(saved(tmp_path, content))) == f"max +1 x; +1 x <= 9; {BOUNDS[text]}"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_and_line_ends_change_nothing(mark: str, ends: str, tmp_path: Path) -> None:
    found = parsed(saved(tmp_path, mark + whole("c: x + y >= 1", objective="x + 2 y + 5").replace("\n", ends)))
    assert said(found) == f"min +1 x +2 y 5; 1 <= +1 x +1 y{BOX}"


def test_names_may_have_indices_and_rows_without_a_name_get_one(tmp_path: Path) -> None:
    content = "Minimize\n x[1,2] + y(3)\nSubject To\n c2: x[1,2] >= 0\n y(3) >= 0\n 2x[1,2] + 3 é_1 <= 4\nEnd\n"
    program = parsed(saved(tmp_path, content))
    assert program.names == ("x[1,2]", "y(3)", "é_1") and program.row_names == ("c2", "c2_", "c3")


REFUSED = {
    whole("c: 2 x y <= 1"): "line 4 has 'y' right after another name",
    whole("c: x * y <= 1"): "line 4 has '[*]' .*products of variables are not read",
    whole("c: x ^ 2 <= 1"): r"line 4 has '\^': powers are not read",
    whole("c: [ x ^ 2 ] <= 1"): r"line 4 has '\[': quadratic terms are not read",
    whole("c: x = 1 -> y >= 1"): "line 4 has '->': indicator rows are not read",
    whole("c: 2 3 x <= 1"): "line 4 has '3' right after another word",
    whole("c: x 3 <= 1"): "line 4 has '3' right after another word",
    whole("c: 3e x <= 1"): "line 4 has '3e'",
    whole("c: 1.0D+2 x <= 1"): "line 4 has '1.0D'",
    whole("c: 1,5 x <= 1"): "line 4 has '1,5'",
    whole("c: 2 (x + y) <= 1"): r"line 4 has '\(x'",
    whole("c: x + nan <= 1"): "line 4 has 'nan', a word of LP files",
    whole("c: x <= 1e999 y"): "line 4 has '1e999' where a finite",
    whole("c: x + y"): "line 4 begins a row with no relation",
    whole("c: x >= 1 >= y"): "line 4 begins a row with two relations",
    whole("c: 1 <= x >= 0"): "line 4 begins a row with two relations",
    whole("c: 0 <= x <= 1 <= y"): "line 4 begins a row with 3 relations",
    whole("c: x >="): "line 4 begins a row with nothing on one side",
    whole("c: x + >= 1"): r"line 4 has nothing after '\+'",
    whole("c: x >> 1"): "line 4 has",
    whole("c: x >= y\n + y\n <= 1"): r"line 5 begins with '\+' after a row that may or may not have ended",
    whole("c: 3 >= 2"): "line 4 begins a row without variables",
    whole("c: x >= 0\n c: y >= 0"): "line 5 names a row 'c' as line 4 does",
    whole("bounds: x >= 0"): "line 4 has 'bounds', a word of LP files",
    whole("/* note */ x >= 0"): "line 4 begins with '/\\*': a comment of an LP file begins with",
    whole("c: x >= 0;"): "line 4 has '0;'",
    whole("c: x >= 0\nLazy Constraints\n l: y >= 0"): "line 5 begins section 'Lazy Constraints': lazy",
    whole("c: x >= 0\nUser Cuts\n l: y >= 0"): "line 5 begins section 'User Cuts': user cuts are not read",
    whole("c: x >= 0\nGeneral Constraints\n l: y = MAX ( x )"): "general constraints are not read",
    whole("c: x >= 0\nSemi-Continuous\n x"): "line 5 begins section .*semi-continuous variables are not read",
    whole("c: x >= 0\nSOS1\n s: x:1"): "line 5 begins section 'SOS1': special ordered sets are not read",
    whole("c: x >= 0\nBounds\n q <= 7"): "line 6 bounds 'q', which stands in no row",
    whole("c: x >= 0\nBounds\n x <= y"): "line 6 is no bound",
    whole("c: x >= 0\nBounds\n 2 x <= 4"): "line 6 is no bound",
    whole("c: x >= 0\nBounds\n x <= 4\n x <= 3"): "line 7 gives 'x' the greatest value 3 after 4",
    whole("c: x >= 0\nBounds\n x <= -3"): "line 6 bounds 'x' from above by -3 .*write -inf <= x <= -3",
    whole("c: x >= 0\nBounds\n 2 <= x <= 3"): "line 8 makes 'x' binary, but its bounds leave neither",
    whole("c: x >= 0\nGeneral\n q"): "line 6 has 'q', which stands in no row",
    whole("c: x >= 0").replace("End\n", ""): "ends without End",
    whole("c: x >= 0") + "Bounds\n x <= 3\n": "line 8 stands after End",
    "Problem demo\n" + whole("c: x >= 0"): "line 1 has 'Problem' where Minimize or Maximize must be",
    "max: 3x + 2y;\nc1: x + y <= 4;\n": "line 1 has 'max' where Minimize or Maximize must be",
    "Subject To\n x >= 0\nEnd\n": "line 1 begins a section before Minimize",
    "Minimize\n x >= 1\nEnd\n": "line 3 .*Subject To must stand before the rows|objective with '>='",
    "Minimize multi-objectives\n o: x\nEnd\n": "line 1 has several objectives",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_readers_take_differently_is_refused_by_its_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=REFUSED[text]) as caught:
        parsed(saved(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    text = whole("c: x + é >= 1")
    for content, says in [
        (text.encode("utf-16"), "is a UTF-16 file"),
        (text.encode("latin-1"), "names that are no UTF-8"),
        (text.replace("é", "\u00a0é").encode(), "cannot be printed"),
        (text.replace("é", "\x00").encode(), "cannot be printed"),
    ]:
        with pytest.raises(UserError, match=says):
            parsed(saved(tmp_path, content))
