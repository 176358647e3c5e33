"""Programs survive the files they travel in; what is damaged is refused in one sentence."""

import gzip
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn import INF, programs, same
from hypothesis import given, settings
from said import parsed

from becalm import UserError
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import mps, write_mps
from becalm_programs.formats.read import read
from becalm_programs.problem.program import Program, objective

FIXTURES = Path(__file__).parents[2] / "fixtures" / "programs"
SMALL = """\
NAME small
ROWS
 N cost
 L first
 G second
COLUMNS
 x cost 1 first 1
 x second 1
 y cost 2 first 1
RHS
 RHS first 4 second 1
BOUNDS
 UP BND x 4
ENDATA
"""


def here(content: bytes, suffix: str = ".mps") -> Program:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"model{suffix}"
        path.write_bytes(content)
        return parsed(path)


@settings(max_examples=60, deadline=None)
@given(programs())
def test_a_program_written_and_read_again_is_the_same(program: Program) -> None:
    assert same(here(mps(program).encode()), program)


@pytest.mark.parametrize("suffix", [".mps", ".mps.gz"])
def test_a_file_written_and_read_again_is_the_same(suffix: str, tmp_path: Path) -> None:
    program = generate("facility", "tiny", 3)
    path = tmp_path / f"a{suffix}"
    write_mps(path, program)
    first = path.read_bytes()
    write_mps(path, program)
    assert path.read_bytes() == first
    assert (first[:2] == b"\x1f\x8b") == suffix.endswith("gz")
    found = read(path)
    assert same(found, program) and found.name == "a"


def test_every_kind_of_row_and_bound_is_read_as_it_is_written() -> None:
    program = read(FIXTURES / "ranges.mps")
    assert program.maximise and program.name == "ranges"
    rows = dict(zip(program.row_names, zip(program.row_low, program.row_high, strict=True), strict=True))
    assert rows == {
        "most": (-INF, 10), "least": (-2, INF), "exact": (0, 0), "range": (1.5, 4), "span": (1, 5), "up": (3, 5),
        "down": (-5, -3),
    }  # fmt: skip
    limits = dict(zip(program.names, zip(program.low, program.high, program.integer, strict=True), strict=True))
    assert limits == {
        "x": (0, 4, False), "n": (-3, 3, True), "b": (0, 1, True), "f": (-INF, INF, False), "g": (-INF, -1, False),
        "h": (1.5, 1.5, False),
    }  # fmt: skip
    assert objective(program, [[1, 1, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0]]).tolist() == [1 + 2 - 1 + 1 + 7, 7]


def test_an_lp_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    packed = tmp_path / "ranges.lp.gz"
    packed.write_bytes(gzip.compress((FIXTURES / "ranges.lp").read_bytes()))
    for program in (read(FIXTURES / "ranges.lp"), read(packed)):
        assert program.maximise and program.offset == -7
        rows = dict(zip(program.row_names, zip(program.row_low, program.row_high, strict=True), strict=True))
        assert rows == {"most": (-INF, 10), "least": (-1, INF), "exact": (0, 0)}
        assert program.rows[[1]].toarray().tolist() == [
            [2.0 if name == "x" else float(name == "b") for name in program.names]
        ]
        limits = dict(zip(program.names, zip(program.low, program.high, program.integer, strict=True), strict=True))
        assert limits == {"x": (0, 4, False), "n": (-3, 3, True), "b": (0, 1, True), "f": (-INF, INF, False)}


def test_what_is_wrong_with_an_lp_file_is_one_sentence() -> None:
    content = (FIXTURES / "ranges.lp").read_bytes()
    for change, says in [
        (b"-1 <= x + b = 4", "line 6 begins a row with two"),
        (b"x + 1e999 b >= 1", "line 6 .*finite"),
    ]:
        with pytest.raises(UserError, match=says):
            here(content.replace(b"x + b + x >= -1", change), ".lp")


def test_a_name_with_a_blank_is_no_mps_name() -> None:
    with pytest.raises(UserError, match="no blanks in a name.*'a b'"):
        mps(from_arrays([1.0], [[1.0]], names=["a b"]))


WRONG: dict[str, tuple[str, str]] = {
    "a coefficient that is nan": (SMALL.replace("first 1\n", "first nan\n", 1), "line 7 has 'nan' where a number"),
    "a cost that is nan": (SMALL.replace("cost 1", "cost NaN"), "'NaN' where a number"),
    "a coefficient that is infinite": (
        SMALL.replace("first 1\n", "first 1e999\n", 1),
        "line 7 has '1e999' where a finite",
    ),
    "half a number": (SMALL.replace("first 4", "first 4x"), "'4x' where a number"),
    "a decimal comma": (SMALL.replace("first 4", "first 4,5"), "'4,5' where a number"),
    "a side that is nan": (SMALL.replace("first 4", "first nan"), "nan"),
    "a bound that is nan": (SMALL.replace("x 4", "x nan"), "nan"),
    "an unknown row": (SMALL.replace("second 1\n y", "third 1\n y"), "third"),
    "an unknown row among the sides": (SMALL.replace("RHS first", "RHS third"), "line 11 has an unknown row 'third'"),
    "an unknown column among the bounds": (SMALL.replace("BND x", "BND z"), "unknown column 'z'"),
    "an entry twice": (SMALL.replace(" x second 1", " x second 1\n x second 2"), "duplicate"),
    "no end": (SMALL.replace("ENDATA\n", ""), "ends without ENDATA"),
    "sections out of order": (SMALL.replace("COLUMNS", "ROW").replace("ROWS", "COLUMNS"), "COLUMNS before ROWS"),
    "a section twice": (SMALL.replace("ENDATA", "RHS\nENDATA"), "section RHS a second time"),
    "data before any section": (" RHS first 2\n" + SMALL, "line 1 stands before any section"),
    "a quadratic objective": (SMALL.replace("ENDATA", "QUADOBJ\n x x 2\nENDATA"), "only linear"),
    "special ordered sets": (SMALL.replace("ENDATA", "SOS\n S1 s 1\n x 1\n y 2\nENDATA"), "SOS"),
    "a semicontinuous variable": (SMALL.replace("UP BND", "SC BND"), "semicontinuous variable 'x'"),
    "crossed bounds": (SMALL.replace(" UP BND x 4", " UP BND x 4\n LO BND x 5"), "infeasible as it stands"),
    "no integer between the bounds": (
        SMALL.replace(" x cost", " M 'MARKER' 'INTORG'\n x cost", 1).replace("BND x 4", "BND x 0.5\n LO BND x 0.2"),
        "no integer between its bounds",
    ),
    "no variables": ("NAME a\nROWS\n N c\nCOLUMNS\nRHS\nENDATA\n", "at least one variable"),
    "nothing": ("", "is empty"),
    "prose": ("Dear reader,\n this is no model.\n", "before any section"),
    "binary rubbish": ("\x00\x01\x02" * 50, "before any section"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_model_is_one_sentence(what: str) -> None:
    content, says = WRONG[what]
    with pytest.raises(UserError, match=says) as caught:
        here(content.encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["prose", "a coefficient that is nan", "crossed bounds"])
def test_reading_says_the_same_and_names_the_file(what: str, tmp_path: Path) -> None:
    content, says = WRONG[what]
    path = tmp_path / "wrong.mps"
    path.write_text(content)
    with pytest.raises(UserError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_place_that_holds_no_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder.mps").mkdir()
    (tmp_path / "cut.mps.gz").write_bytes(gzip.compress(SMALL.encode() * 50)[:-20])
    for path, says in [
        (tmp_path / "none.mps", "there is no file"),
        (tmp_path / "a.txt", "must end in one of .mps"),
        (tmp_path / "folder.mps", "is a folder"),
        (tmp_path / "cut.mps.gz", "damaged gzip file"),
    ]:
        with pytest.raises(UserError, match=says):
            read(path)


def test_a_file_that_takes_too_much_time_or_memory_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "huge.mps.gz"
    claim = SMALL.replace("RHS\n", "".join(f" z{index} first 1\n" for index in range(200_000)) + "RHS\n", 1)
    path.write_bytes(gzip.compress(claim.encode(), 1))
    with pytest.raises(UserError, match=r"huge.mps.gz cannot be read in 0.01 seconds"):
        read(path, seconds=0.01)
    with pytest.raises(UserError, match=r"huge.mps.gz holds more than the 262144 bytes"):
        read(path, memory=2**20)
    bomb = tmp_path / "bomb.mps.gz"
    for line, says in ((b" " * (2**20 - 1) + b"\n", "holds more than"), (b" " * 2**20, "has a line of more than")):
        bomb.write_bytes(gzip.compress(line * 64, 1))
        with pytest.raises(UserError, match=rf"bomb.mps.gz {says}"):
            read(bomb, memory=2**27)


def mutated(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    at = draw.randrange(len(content))
    token = draw.choice([b"nan", b"1e999", b"-", b"\n", b" ", b"\x00", b"ENDATA\n", b"RHS\n", b"9" * 50, b"\xff\xfe"])
    ways: list[Callable[[], bytes]] = [
        lambda: content[:at],
        lambda: content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :],
        lambda: content[:at] + token + content[at:],
        lambda: b"\n".join(lines[:place] + lines[place + 1 :]),
        lambda: b"\n".join([*lines[:place], draw.choice(lines), *lines[place:]]),
        lambda: b"\n".join(draw.sample(lines, len(lines))),
    ]
    return draw.choice(ways)()


@pytest.mark.parametrize("name", ["ranges.mps", "ranges.lp"])
def test_a_mutated_file_is_read_or_refused_in_one_sentence(name: str) -> None:
    content, draw = (FIXTURES / name).read_bytes(), random.Random(name)
    refused = 0
    for _ in range(100):
        try:
            program = here(mutated(content, draw), Path(name).suffix)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            assert np.isfinite(program.cost).all() and np.isfinite(program.rows.data).all()
    assert 20 < refused < 100
