"""Tiny programs, written in a dialect drawn at random, are read as what they were written from, point by point."""

import random
from collections.abc import Callable
from pathlib import Path

import highspy
import lp_dialect
import mps_dialect
import numpy as np
import pytest
from said import parsed
from tiny import Dialect, Tiny, differs, tiny

from becalm_programs.formats.read import read
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
def test_ten_thousand_programs_are_read_as_they_were_written(kind: str, tmp_path: Path) -> None:
    path, seed = tmp_path / f"model.{kind}", random.randrange(10**6)
    print("seed", seed)
    for number in range(10_000):
        meant, text = written(kind, Dialect(f"{seed} {kind} {number}", common=number % 4 == 0))
        path.write_bytes(text)
        # With SCIP as second reader of some.
        program = read(path) if number % 20 == 0 else parsed(path)
        assert not differs(program, meant), f"seed {seed}, {number}: {text.decode()}"


@pytest.mark.parametrize("kind", WRITERS)
def test_highs_reads_the_common_dialect_alike(kind: str, tmp_path: Path) -> None:
    path, alike = tmp_path / f"model.{kind}", 0
    for number in range(60):
        _, text = written(kind, Dialect(f"{kind} {number}", common=True))
        path.write_bytes(text)
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        if highs.readModel(str(path)) == highspy.HighsStatus.kError:
            continue  # It refuses more.
        assert summary(highs) == limits(parsed(path)), text.decode()
        alike += 1
    assert alike > 10


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
