"""Tiny programs, written in a dialect drawn at random, are read as what they were written from, point by point."""

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import lp_dialect
import mps_dialect
import numpy as np
import pytest
from said import parsed
from tiny import Dialect, Tiny, differs, tiny

from becalm_programs.formats.text.lines import Lines
from becalm_programs.formats.text.scip import reading
from becalm_programs.formats.text.second import compare
from becalm_programs.problem.program import Program

WRITERS: dict[str, Callable[[Tiny, Dialect], bytes]] = {"lp": lp_dialect.lp, "mps": mps_dialect.mps}


def written(kind: str, draw: Dialect) -> tuple[Tiny, bytes]:
    """A program, and the text of it."""
    if draw.common:
        names = lp_dialect.COMMON if kind == "lp" else mps_dialect.COMMON
    elif kind == "lp":
        names = lp_dialect.NAMES
    else:
        names = mps_dialect.BLANKS if draw.random() < 0.3 else mps_dialect.NAMES
    # Rows with two sides are no common ground of LP files.
    meant = tiny(draw, names, ranged=kind == "mps" or not draw.common)
    return meant, WRITERS[kind](meant, draw)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_program_in_any_dialect_is_read_as_it_was_written(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{kind}"
    for number in range(60):
        meant, text = written(kind, Dialect(f"{kind} {number}"))
        path.write_bytes(text)
        assert not differs(parsed(path), meant), text.decode()


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_ten_thousand_programs_are_read_as_they_were_written_and_as_others_read_them(kind: str, tmp_path: Path) -> None:
    path, seed, asked = tmp_path / f"model.{kind}", random.randrange(10**6), Counter[str]()

    def scip(model: Path, seconds: float) -> dict[str, Any] | None:
        found = reading(model)
        asked["SCIP"] += found is not None
        return found

    for number in range(10_000):
        meant, text = written(kind, Dialect(f"{seed} {kind} {number}", common=number % 4 == 0))
        path.write_bytes(text)
        program = parsed(path)
        assert not differs(program, meant), f"seed {seed}, {number}: {text.decode()}"
        compare(program, Lines(path, 2**20, time.monotonic() + 60), path.suffix, scip)
        if number % 4 == 0:
            asked["HiGHS"] += like_highs(path, program)
    print("seed", seed, dict(asked))
    assert min(asked.values()) > 500


@pytest.mark.parametrize("kind", WRITERS)
def test_highs_reads_the_common_dialect_alike(kind: str, tmp_path: Path) -> None:
    path, alike = tmp_path / f"model.{kind}", 0
    for number in range(60):
        _, text = written(kind, Dialect(f"{kind} {number}", common=True))
        path.write_bytes(text)
        alike += like_highs(path, parsed(path))
    assert alike > 10


def like_highs(path: Path, program: Program) -> bool:
    """Whether HiGHS reads the file, which it then must read as the program."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    if highs.readModel(str(path)) == highspy.HighsStatus.kError:
        return False  # It refuses more.
    assert summary(highs) == limits(program), path.read_text()
    return True


def summary(highs: highspy.Highs) -> dict[str, tuple[object, ...]]:
    lp = highs.getLp()
    whole = [int(kind) for kind in lp.integrality_] or [0] * lp.num_col_
    sign = 1.0 if lp.sense_ == highspy.ObjSense.kMinimize else -1.0
    read = zip(lp.col_names_, lp.col_cost_, lp.col_lower_, lp.col_upper_, whole, strict=True)
    found: dict[str, tuple[object, ...]] = {
        name: (sign * cost + 0.0, low, high, bool(kind)) for name, cost, low, high, kind in read
    }
    rows = zip(lp.row_names_, lp.row_lower_, lp.row_upper_, strict=True)
    return found | {f"row {name}": (low, high) for name, low, high in rows}


def limits(program: Program) -> dict[str, tuple[object, ...]]:
    columns = np.stack([program.cost, program.low, program.high, program.integer], axis=1).tolist()
    found: dict[str, tuple[object, ...]] = {
        name: (cost + 0.0, low, high, bool(kind))
        for name, (cost, low, high, kind) in zip(program.names, columns, strict=True)
    }
    rows = zip(program.row_names, program.row_low.tolist(), program.row_high.tolist(), strict=True)
    return found | {f"row {name}": (low, high) for name, low, high in rows}
