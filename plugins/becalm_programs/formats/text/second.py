"""A second reading of a model file, by SCIP, and how it differs from the first.

Where readers differ, a file does not say one thing, so it is refused. SCIP knows fewer spellings: what it does not
read, it says nothing about, and what it (version 10) takes for something else it is not asked about. It is asked where
PySCIPOpt is installed, about files of up to 4 MiB, which takes up to a second.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from becalm_programs.formats.text.lines import Lines
from becalm_programs.formats.text.refusal import RefusedError
from becalm_programs.problem.program import INFINITE, Program

_MOST = 4 * 2**20
# SCIP takes what is smaller for nothing.
_TINY = 1e-9
_NEAR = 1e-9
# What SCIP takes for something else: the line is skipped, or half of a number is.
_FOREIGN = {
    ".lp": re.compile(rb"\s*(?:max|min)imis|.*\d\.(?!\d)", re.IGNORECASE),
    ".mps": re.compile(
        rb".*\d\.?D[+-]?\d"
        # Bounds whose set has no name.
        rb"|\s+(?:(?:UP|LO|FX|LI|UI)\s+\S+|FR|MI|PL|BV)\s+\S+\s*$",
        re.IGNORECASE,
    ),
}


Reader = Callable[[Path, float], dict[str, Any] | None]
"""What SCIP reads in a file within so many seconds, as ``becalm_programs.formats.text.scip``; None if it does not."""


def by_process(model: Path, seconds: float) -> dict[str, Any] | None:
    """SCIP in a process of its own, which can be ended where it does not end."""
    out = model.with_name("read.json")
    command = [sys.executable, "-P", "-m", "becalm_programs.formats.text.scip", str(model), str(out)]
    try:
        # S603: our own program, and a file of our own.
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=max(seconds, 0.1), check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    if not out.exists():
        return None
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def compare(program: Program, lines: Lines, suffix: str, reader: Reader = by_process) -> None:
    """Compares a program with what SCIP reads in the same text.

    Args:
        lines: The text; what is left of its time is SCIP's, too.
        suffix: .mps or .lp.
        reader: How SCIP is asked.

    Raises:
        RefusedError: If SCIP reads another program.
    """
    # In fixed format, SCIP guesses where names with blanks end.
    if find_spec("pyscipopt") is None or any(" " in name for name in program.names):
        return
    with tempfile.TemporaryDirectory(prefix="becalm-") as name:
        folder = Path(name)
        if _copy(lines, folder / f"model{suffix}", _FOREIGN[suffix]):
            found = reader(folder / f"model{suffix}", lines.until - time.monotonic())
            if found is not None and (difference := _difference(program, found)):
                raise RefusedError(f"is read by SCIP as another program: {difference}; write it as both read alike")


def _copy(lines: Lines, path: Path, foreign: re.Pattern[bytes]) -> bool:
    """Writes the text plain and without a mark; False if SCIP is not to be asked about it."""
    size = 0
    with path.open("wb") as file:
        for _, line in lines:
            # Single blanks: what stands in certain columns, SCIP takes for fixed format.
            text = b" " + b" ".join(line.split()) if line[:1].isspace() else line
            size += file.write(text + b"\n")
            if size > _MOST or foreign.match(line):
                return False
    return True


def _difference(program: Program, found: dict[str, Any]) -> str:
    """The first difference in words, or nothing."""
    if program.maximise != found["maximise"]:
        return f"it is a {'minimisation' if program.maximise else 'maximisation'} there"
    sign = -1.0 if program.maximise else 1.0
    if not _near(sign * program.offset, found["offset"]):
        return f"the objective's constant is {found['offset']:g} there and {sign * program.offset:g} here"
    others = found["variables"]
    extra = sorted(set(others) ^ set(program.names))
    if extra:
        return f"there is {'a' if extra[0] in others else 'no'} variable {extra[0]!r} there"
    return _variables(program, others, sign) or _rows(program, found["rows"])


def _variables(program: Program, others: dict[str, Any], sign: float) -> str:
    limits = zip(
        program.names,
        (sign * program.cost).tolist(),
        program.low.tolist(),
        program.high.tolist(),
        program.integer.tolist(),
        strict=True,
    )
    for name, cost, low, high, integer in limits:
        other, least, most, whole = others[name]
        if not _near(cost, other):
            return f"the objective has {other:g} {name} there and {cost:g} {name} here"
        if integer != whole:
            return f"{name!r} is {'an integer' if whole else 'continuous'} there"
        if whole:
            least, most = np.ceil(least - _NEAR) + 0.0, np.floor(most + _NEAR)
        # Two rules of SCIP's own: an upper bound below 0 leaves the lower one 0, and one before a lower one is lost.
        upper = _near(high, most) or (whole and most >= INFINITE and low != 0)
        if not upper or not (_near(low, least) or least > most):
            return f"{name!r} is from {least:g} to {most:g} there and from {low:g} to {high:g} here"
    return ""


def _rows(program: Program, others: list[Any]) -> str:
    sided = np.flatnonzero(np.isfinite(program.row_low) | np.isfinite(program.row_high)).tolist()
    others = [row for row in others if row[0] > -INFINITE or row[1] < INFINITE]
    if len(sided) != len(others):
        return f"{len(others)} rows have sides there and {len(sided)} here"
    starts, entries, values = program.rows.indptr, program.rows.indices, program.rows.data
    for place, (low, high, columns, sizes) in zip(sided, others, strict=True):
        mine: dict[str, float] = {}
        for entry in range(starts[place], starts[place + 1]):
            mine[program.names[entries[entry]]] = float(values[entry])
        for name, size in zip(columns, sizes, strict=True):
            mine[name] = mine.get(name, 0.0) - size
        scale = max((abs(size) for size in sizes), default=1.0)
        if any(abs(size) > _TINY * max(scale, 1.0) for size in mine.values()):
            return f"row {program.row_names[place]!r} has other coefficients there"
        if not (_near(program.row_low[place], low) and _near(program.row_high[place], high)):
            sides = f"from {low:g} to {high:g} there and from {program.row_low[place]:g} to {program.row_high[place]:g}"
            return f"row {program.row_names[place]!r} is {sides} here"
    return ""


def _near(one: float, other: float) -> bool:
    if abs(one) >= INFINITE or abs(other) >= INFINITE:
        return (one >= INFINITE) == (other >= INFINITE) and (one <= -INFINITE) == (other <= -INFINITE)
    return abs(one - other) <= _NEAR * max(1.0, abs(one))
