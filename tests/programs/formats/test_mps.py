"""MPS files, free and fixed, are read by the usual rules; what readers take differently is refused by its line."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from said import parsed, said

from becalm import UserError
from becalm_programs.formats.read import read

MODEL = """\
NAME T
ROWS
 N obj
 G c
 N other
 L d
COLUMNS
 M1 'MARKER' 'INTORG'
 x obj 1 c 1
 x other -9
 M2 'MARKER' 'INTEND'
 y obj 2 c 1
 y d 1
RHS
 R c 1 d 4
BOUNDS
 UP B x 1
ENDATA
"""
READ = "min +1 x +2 y; 1 <= +1 x +1 y; +1 y <= 4; x int 0..1; y 0..inf"


def saved(folder: Path, text: str, name: str = "model.mps") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_the_model_is_read_as_it_stands(tmp_path: Path) -> None:
    assert said(parsed(saved(tmp_path, MODEL))) == READ


HEADS = {
    "OBJSENSE\n    MAX\n": "max +1 x +2 y",
    "OBJSENSE\n maximize\n": "max +1 x +2 y",
    "OBJSENSE MAX\n": "max +1 x +2 y",
    "OBJSENSE MAXIMIZE\n": "max +1 x +2 y",
    "OBJSENSE MAXIMISE\n": "max +1 x +2 y",
    "OBJSENSE MINIMIZE\n": "min +1 x +2 y",
    "OBJNAME\n other\n": "min -9 x",
    "OBJNAME other\nOBJSENSE MAX\n": "max -9 x",
}


@pytest.mark.parametrize("head", HEADS)
def test_the_sense_and_the_objective_are_chosen_in_every_spelling(head: str, tmp_path: Path) -> None:
    found = said(parsed(saved(tmp_path, MODEL.replace("ROWS\n", f"{head}ROWS\n"))))
    assert found.startswith(f"{HEADS[head]}; 1 <=")


SIDES = {
    " R c 1 obj -5": ("min +1 x +2 y 5", "1 <= +1 x +1 y; +1 y <= 0"),
    " R c 1 other 4": ("min +1 x +2 y", "1 <= +1 x +1 y; +1 y <= 0"),
    " R c 1\n S c 0 d 7": ("min +1 x +2 y", "1 <= +1 x +1 y; +1 y <= 0"),
    " c 1 d 4": ("min +1 x +2 y", "1 <= +1 x +1 y; +1 y <= 4"),
    " R c 1.0D+2": ("min +1 x +2 y", "100 <= +1 x +1 y; +1 y <= 0"),
    " R c 1 d 4\nRANGES\n R c 2 d -3": ("min +1 x +2 y", "1 <= +1 x +1 y <= 3; 1 <= +1 y <= 4"),
    " R c 1 d 4\nRANGES\n R other 2 c 0": ("min +1 x +2 y", "+1 x +1 y = 1; +1 y <= 4"),
    " R c 1 d 4\nRANGES\n R c 2\n S d 1": ("min +1 x +2 y", "1 <= +1 x +1 y <= 3; +1 y <= 4"),
}


@pytest.mark.parametrize("text", SIDES)
def test_sides_and_ranges_go_by_the_first_vector(text: str, tmp_path: Path) -> None:
    objective, rows = SIDES[text]
    found = said(parsed(saved(tmp_path, MODEL.replace(" R c 1 d 4", text))))
    assert found == f"{objective}; {rows}; x int 0..1; y 0..inf"


@pytest.mark.parametrize(("width", "row"), [("2", "1 <= +1 x +1 y <= 3"), ("-2", "-1 <= +1 x +1 y <= 1")])
def test_the_range_of_an_equation_goes_by_its_sign(width: str, row: str, tmp_path: Path) -> None:
    content = MODEL.replace(" G c", " E c").replace("BOUNDS", f"RANGES\n R c {width}\nBOUNDS")
    assert f"; {row};" in said(parsed(saved(tmp_path, content)))


BOUNDS = {
    "": "x int 0..1; y 0..inf",
    " UP B x 9": "x int 0..9; y 0..inf",
    " LO B x 2": "x int 2..inf; y 0..inf",
    " UP B x -3": "x int -inf..-3; y 0..inf",
    " UP B y -3\n LO B y -10": "x int 0..1; y -10..-3",
    " UP B y 0": "x int 0..1; y 0..0",
    " MI B x\n UP B x 1": "x int -inf..1; y 0..inf",
    " UP B y 7\n BV B y": "x int 0..1; y int 0..1",
    " UI B y 7": "x int 0..1; y int 0..7",
    " LI B y 1": "x int 0..1; y int 1..inf",
    " FX B y 2.5": "x int 0..1; y 2.5..2.5",
    " FR B y": "x int 0..1; y -inf..inf",
    " FR B y 0": "x int 0..1; y -inf..inf",
    " FR y": "x int 0..1; y -inf..inf",
    " BV y 1": "x int 0..1; y int 0..1",
    " up y 3": "x int 0..1; y 0..3",
    " PL B x": "x int 0..inf; y 0..inf",
    " UP B y 1e30": "x int 0..1; y 0..inf",
    " UP B y Inf": "x int 0..1; y 0..inf",
    " UP B y 3\n UP C y 4\n UP C x 5": "x int 0..1; y 0..3",
}


@pytest.mark.parametrize("text", BOUNDS)
def test_bounds_go_by_the_usual_rules(text: str, tmp_path: Path) -> None:
    found = said(parsed(saved(tmp_path, MODEL.replace(" UP B x 1\n", f"{text}\n" if text else ""))))
    assert found == f"min +1 x +2 y; 1 <= +1 x +1 y; +1 y <= 4; {BOUNDS[text]}"


FIXED = """\
NAME          SPACES
ROWS
 N  OBJ
 G  ROW ONE
COLUMNS
    X ONE     OBJ                1.0   ROW ONE            1.0
    MARKER    'MARKER'                 'INTORG'
    X TWO     OBJ                2.0   ROW ONE            1.0
    MARKER    'MARKER'                 'INTEND'
RHS
    RHS       ROW ONE            1.0
RANGES
              ROW ONE            2.0
BOUNDS
 UI BND       X ONE              1.0
ENDATA
"""


def test_names_in_fixed_format_may_have_blanks(tmp_path: Path) -> None:
    found = said(parsed(saved(tmp_path, FIXED)))
    assert found == "min +1 X ONE +2 X TWO; 1 <= +1 X ONE +1 X TWO <= 3; X ONE int 0..1; X TWO int 0..1"
    with pytest.raises(UserError, match="line 6"):
        parsed(saved(tmp_path, FIXED.replace("    X ONE     OBJ   ", "    X ONE   ! OBJ   ")))


REFUSED = {
    MODEL.replace("RHS", "OBJSENSE\n MAX\nRHS"): "line 14 begins section OBJSENSE after COLUMNS",
    MODEL.replace("ROWS", "OBJSENSE\nROWS"): "line 3 stands where the word of OBJSENSE must be",
    MODEL.replace("ROWS", "OBJSENSE UP\nROWS"): "line 2 has 'UP' where OBJSENSE must be MAX or MIN",
    MODEL.replace("ROWS", "OBJNAME c\nROWS"): "line 2 asks for the objective 'c', which is no row of letter N",
    MODEL.replace("COLUMNS", "LAZYCONS\n G e\nCOLUMNS"): "line 7 begins section LAZYCONS: lazy constraints",
    MODEL.replace("RHS", "USERCUTS\n G e\nRHS"): "line 14 begins section USERCUTS: user cuts are not read",
    MODEL.replace("RHS", "INDICATORS\n IF c x 1\nRHS"): "line 14 begins section INDICATORS: indicator rows",
    MODEL.replace("RHS", "WISHES\n x 1\nRHS"): "line 14 begins section 'WISHES', which is none of those",
    MODEL.replace(" G c", " K c"): "line 4 has a row of letter 'K'",
    MODEL.replace(" L d", " L c"): "line 6 has a second row 'c'",
    MODEL.replace(" y obj 2 c 1", " x obj 2 c 1"): "line 12 comes back to column 'x'",
    MODEL.replace("'INTORG'", "'SOSORG'"): "line 8 has a marker .*SOSORG",
    MODEL.replace("y d 1", "y e 1"): "line 13 has an unknown row 'e'",
    MODEL.replace("d 4", "c 4"): "line 15 gives row 'c' a second value",
    MODEL.replace(" R c 1 d 4", " R c 1\n d 4"): "line 16 has a vector without a name beside one with a name",
    MODEL.replace(" UP B x 1", " UP B x 1\n UP B x 2"): "line 18 gives 'x' the greatest value 2 after 1",
    MODEL.replace(" UP B x 1", " UP B x 0\n BV B x"): "line 18 makes 'x' 0 or 1 after bounds that leave only one",
    MODEL.replace(" UP B x 1", " UP B x 1\n UP y 2"): "line 18 has a set of bounds without a name",
    MODEL.replace(" UP B x 1", " LO B y 0\n UP B y -3"): "'y' has nothing between",
    MODEL.replace(" UP B x 1", " SC B y 3"): "line 17 has a semicontinuous variable 'y'",
    MODEL.replace(" UP B x 1", " ZZ B y 3"): "line 17 has a bound of kind 'ZZ'",
    MODEL + " UP B x 1\n": "line 19 stands after ENDATA",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_readers_take_differently_is_refused_by_its_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=REFUSED[text]) as caught:
        parsed(saved(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)], ids=["gz", "bz2", "xz"]
)
def test_a_packed_file_is_unpacked_within_its_limits(
    suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"model.mps.{suffix}"
    path.write_bytes(pack(MODEL.encode()))
    program = read(path)
    assert said(program) == READ and program.name == "model"
    path.write_bytes(pack(MODEL.encode() * 9)[:-20])
    with pytest.raises(UserError, match="damaged|section NAME a second time"):
        read(path)
    path.write_bytes(pack(b"*" * 2**22))
    with pytest.raises(UserError, match="holds more than the 1048576 bytes"):
        read(path, memory=2**22)
