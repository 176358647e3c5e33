"""Rows of a search by flips, kept up to date: activities, violated rows, and which entries rows have no slack for.

A flip costs what its rows hold. Sums are float64, so that what a flip adds the next takes away to the bit, or nearly.
"""

from typing import Any

import numpy as np

from becalm_programs.compiled import inlined, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array

_HELD = 1e-6
"""A row of unit length that is missed by no more than this holds."""
SLACK = 1 - 1e-4
"""Share of the mean size of a row's coefficients that is slack enough for a flip."""
_SOME = 1e-9
"""Sums of coefficients that are no larger are nothing but rounding."""

CELL = np.dtype([("at", "i8"), ("value", "f8")])
ROW = np.dtype(
    [
        ("start", "i8"),  # Where its coefficients begin; the record after the last says where they end.
        ("low", "f8"),
        ("high", "f8"),
        ("flip", "f8"),  # ``SLACK`` times the mean size of its coefficients; -inf where it says that one of a set is 1.
        ("activity", "f8"),
        ("over", "f8"),  # By how much it leaves its bounds, if it is violated.
        ("weight", "f8"),
        ("place", "i8"),  # Its place among the violated, -1 for none; in the record after the last, their number.
        ("violated", "i8"),  # The first of these are the rows that are violated.
        ("new", "i8"),  # Whether its activity is new; in the record after the last, how many are.
        ("changed", "i8"),  # The first of these are the rows of new activity.
        ("full", "i8"),  # Whether it has no slack above.
        ("bare", "i8"),  # Below.
    ]
)


Rows = tuple[Any, Any, Indices, Any, Array, Array]
"""The rows, and what they say of the entries as they are.

    record        (M + 1,) ``ROW``
    by_row        (nonzeros,) ``CELL``: entry and coefficient, row after row
    start         (N + 1,) where the coefficients of each entry begin
    by_entry      (nonzeros,) ``CELL``: row and coefficient, entry after entry
    above, below  (N,) sums of an entry's coefficients in rows that have no slack above, and below
"""


@part
def prepare(record: Any) -> None:
    """No row is violated so far, and all are to be looked at."""
    count = len(record) - 1
    for number in range(count):
        row = record[number]
        row.weight, row.place, row.new, row.changed = 1.0, -1, 1, number
    record[count].place, record[count].new = 0, count


@part
def look_at_new(record: Any, by_row: Any, above: Array, below: Array) -> None:
    """What the rows say whose activity is new."""
    now = record[-1]
    for place in range(now.new):
        number = record[place].changed
        record[number].new = 0
        _look(record, by_row, above, below, number)
    now.new = 0


@inlined
def _look(record: Any, by_row: Any, above: Array, below: Array, number: int) -> None:
    """What the activity of a row says of it."""
    row, now = record[number], record[-1]
    over = max(row.activity - row.high, 0.0) - max(row.low - row.activity, 0.0)
    if abs(over) > _HELD:
        row.over = over
        if row.place < 0:
            row.place = now.place
            record[now.place].violated = number
            now.place += 1
    elif row.place >= 0:
        now.place -= 1
        last = record[now.place].violated
        record[row.place].violated = last
        record[last].place = row.place
        row.place = -1
    full, bare = row.high - row.activity < row.flip, row.activity - row.low < row.flip
    if full != row.full:
        row.full = full
        add(above, by_row, row.start, record[number + 1].start, 1.0 if full else -1.0)
    if bare != row.bare:
        row.bare = bare
        add(below, by_row, row.start, record[number + 1].start, 1.0 if bare else -1.0)


@part
def add(sums: Array, by_row: Any, start: int, end: int, sign: float) -> None:
    """Adds coefficients of a row, times the sign, to what their entries have."""
    for place in range(start, end):
        sums[by_row[place].at] += sign * by_row[place].value


@part
def rise(record: Any, start: Indices, by_entry: Any, entry: int, step: float) -> None:
    """An entry's rows rise by a step of it."""
    now = record[-1]
    for place in range(start[entry], start[entry + 1]):
        number = by_entry[place].at
        row = record[number]
        row.activity += step * by_entry[place].value
        if not row.new:
            row.new = 1
            record[now.new].changed = number
            now.new += 1


@part
def violation(record: Any) -> float:
    """By how much rows leave their bounds, in all."""
    total = 0.0
    for place in range(record[-1].place):
        total += abs(record[record[place].violated].over)
    return total


@inlined
def blocked(above: float, below: float) -> bool:
    """Whether rows have no slack to raise an entry by a flip of mean size; swapped, to lower it."""
    return above > _SOME or below < -_SOME
