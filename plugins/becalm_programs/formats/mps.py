"""Programs as MPS files, free format, every number in the fewest digits that give it back exactly.

HiGHS' own writer keeps 15 digits and leaves out rows without sides, so it is not used. A row without sides stands here
as one of at least -1e30, which readers take for none; the side of a range may be off by one rounding where MPS, which
holds a range as a side and a width, cannot say it better.
"""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm.provenance import Record, write
from becalm_programs.problem.program import Array, Program

_NOTHING = -1e30


def write_mps(path: Path | str, program: Program, made: Record | None = None) -> None:
    """Writes the program in its original sense, whole or not at all.

    Args:
        path: Ends in .mps or .mps.gz; the same program gives the same bytes.
        made: How the program came to be, kept in comments.

    Raises:
        UserError: If the path ends in something else, a name does not fit MPS, or the place cannot be written.
    """
    path = Path(path)
    if not path.name.endswith((".mps", ".mps.gz")):
        raise UserError(f"{path} must end in .mps or .mps.gz")
    content = mps(program).encode()
    # Without a time in its header, or the same program would give other bytes each second.
    write(path, gzip.compress(content, compresslevel=6, mtime=0) if path.suffix == ".gz" else content, made)


def mps(program: Program) -> str:
    """The program as MPS text, in its original sense.

    Raises:
        UserError: If a name does not fit MPS.
    """
    check_names(program.names)
    check_names(program.row_names)
    return "\n".join(_lines(program)) + "\n"


def check_names(names: Sequence[str]) -> None:
    """Checks names for formats whose words are set apart by blanks.

    Raises:
        UserError: If a name is empty, or has blanks in it.
    """
    for name in names:
        if name.split() != [name]:
            raise UserError(f"the format allows no blanks in a name, and no empty one, got {name!r}: rename it")


def number(value: float) -> str:
    """A number in the fewest digits that give it back: ``2``, ``0.1``."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _lines(program: Program) -> Iterator[str]:
    # A reader tells the name of a set of sides or bounds from a row's or column's by knowing the latter.
    goal, sides, ranges = (_free(word, program.row_names) for word in ("OBJ", "RHS", "RNG"))
    # CBC guesses the format, and guesses wrong of bounds without a number, unless it is told; others skip the word.
    yield f"NAME {'_'.join(program.name.split()) or 'program'} FREE"
    if program.maximise:
        yield "OBJSENSE"
        yield "    MAX"
    yield "ROWS"
    yield f" N {goal}"
    kinds = [_kind(*pair) for pair in zip(program.row_low.tolist(), program.row_high.tolist(), strict=True)]
    for (kind, _, _), name in zip(kinds, program.row_names, strict=True):
        yield f" {kind} {name}"
    yield "COLUMNS"
    yield from _columns(program, goal)
    yield "RHS"
    if program.offset:
        # The constant moves to the other side.
        yield f" {sides} {goal} {number(program.offset if program.maximise else -program.offset)}"
    for (_, side, _), name in zip(kinds, program.row_names, strict=True):
        if side:
            yield f" {sides} {name} {number(side)}"
    if any(width is not None for _, _, width in kinds):
        yield "RANGES"
        for (_, _, width), name in zip(kinds, program.row_names, strict=True):
            if width is not None:
                yield f" {ranges} {name} {number(width)}"
    yield "BOUNDS"
    yield from _bounds(program, _free("BND", program.names))
    yield "ENDATA"


def _free(word: str, taken: Sequence[str]) -> str:
    """A name that is not taken yet."""
    used = set(taken)
    return next(name for name in (word, *(f"{word}{index}" for index in range(len(used) + 1))) if name not in used)


def _columns(program: Program, goal: str) -> Iterator[str]:
    columns = program.rows.tocsc()
    starts, entries = columns.indptr.tolist(), columns.indices.tolist()
    texts = _texts(columns.data)
    costs = _texts(0.0 - program.cost if program.maximise else program.cost)
    integer = program.integer.tolist()
    inside = False
    for column, name in enumerate(program.names):
        if integer[column] != inside:
            inside = integer[column]
            yield f" MARKER 'MARKER' '{'INTORG' if inside else 'INTEND'}'"
        start, end = starts[column], starts[column + 1]
        # A column that stands in no row must be named all the same.
        if program.cost[column] or start == end:
            yield f" {name} {goal} {costs[column]}"
        for place in range(start, end):
            yield f" {name} {program.row_names[entries[place]]} {texts[place]}"
    if inside:
        yield " MARKER 'MARKER' 'INTEND'"


def _texts(values: Array) -> list[str]:
    """Each number as text; a matrix has few different ones."""
    distinct, place = np.unique(values, return_inverse=True)
    texts = [number(value) for value in distinct.tolist()]
    return [texts[index] for index in place.tolist()]


def _kind(low: float, high: float) -> tuple[str, float, float | None]:
    """The row's letter, its side, and its range if it has one."""
    if low == high:
        return "E", low, None
    if high == np.inf:
        return "G", _NOTHING if low == -np.inf else low, None
    if low == -np.inf:
        return "L", high, None
    # A reader adds the width to the one side or takes it from the other; the way that comes out best is written.
    width = high - low
    widths = [float(np.nextafter(width, 0)), width, float(np.nextafter(width, np.inf))]
    ways = [(abs(low + one - high), "G", low, one) for one in widths]
    ways += [(abs(high - one - low), "L", high, one) for one in widths]
    _, kind, side, best = min(ways, key=lambda way: way[0])
    return kind, side, best


def _bounds(program: Program, bounds: str) -> Iterator[str]:
    for low, high, integer, binary, name in zip(
        program.low.tolist(),
        program.high.tolist(),
        program.integer.tolist(),
        program.binary.tolist(),
        program.names,
        strict=True,
    ):
        if binary and (low, high) == (0, 1):
            yield f" BV {bounds} {name}"
        elif low == high:
            yield f" FX {bounds} {name} {number(low)}"
        elif low == -np.inf and high == np.inf:
            yield f" FR {bounds} {name}"
        else:
            if low == -np.inf:
                yield f" MI {bounds} {name}"
            elif low:
                yield f" LO {bounds} {name} {number(low)}"
            if high != np.inf:
                yield f" UP {bounds} {name} {number(high)}"
            elif integer:
                # Some readers take an integer variable without a bound for a binary one.
                yield f" PL {bounds} {name}"
