"""Flips of binary variables of one solution, and what every flip would do to the violation, kept up to date."""

from functools import lru_cache

import numpy as np

from becalm_programs.compiled import part
from becalm_programs.problem.arrays import Indices, Values
from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.structure.columns import ROUNDING, Columns

Rows = tuple[Indices, Indices, Values, Indices, Indices, Values, Array, Array, Array, Mask]
"""The rows of a program.

    column, begin, value    variables and coefficients, row after row; (m + 1,) where each row begins
    start, row, own         (n + 1,) where each variable begins; rows and coefficients, variable after variable
    low, high, scale        (m,) bounds, and one over the largest coefficient
    binary                  (n,) what may be flipped
"""
Flipped = tuple[Array, Array, Array, Array, Array, Array, Indices, Indices, Indices]
"""A solution.

    x           (n,)
    activity    (m,) of the rows
    violation   (m,) at least 0; what is mere rounding counts as 0
    change      (n,) what a flip would add to the weighted violation, each row's in units of its largest coefficient
    share       (nonzeros,) what each coefficient adds to that, row after row
    weight      (m,) of the rows
    broken      (1,) how many rows are violated
    violated    (m,) the first ``broken[0]`` are the rows that are, in no order
    place       (m,) where among these a row is
"""


@lru_cache(maxsize=2)
def rows_of(columns: Columns) -> Rows:
    """The rows of a program as compiled loops take them."""
    program, rows = columns.program, columns.program.rows
    start, column = rows.indptr.astype(np.int64), rows.indices.astype(np.int64)
    largest = np.zeros(len(program.row_low))
    np.maximum.at(largest, np.repeat(np.arange(len(largest)), np.diff(start)), np.abs(rows.data))
    return (
        column,
        start,
        rows.data,
        columns.start,
        columns.row,
        columns.value,
        program.row_low,
        program.row_high,
        1.0 / np.where(largest > 0, largest, 1.0),
        program.binary & (program.low < program.high),
    )


def state_of(columns: Columns, x: Array) -> Flipped:
    """A solution x (n,) of which no row has been looked at; x is copied."""
    program = columns.program
    variables, rows = len(x), len(program.row_low)
    lists = np.zeros(1, np.int64), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    looked = np.zeros(rows), np.zeros(variables), np.zeros(program.nonzeros), np.ones(rows)
    return x.copy(), np.asarray(program.rows @ x), *looked, *lists


@part
def refresh_all(rows: Rows, state: Flipped) -> None:
    """Looks at all rows, where ``violation``, ``change``, ``share`` and ``broken`` are 0."""
    for number in range(len(state[1])):
        refresh(rows, state, number)


@part
def flip(rows: Rows, state: Flipped, variable: int) -> float:
    """Flips a variable; what that adds to the violation, not weighted."""
    _, _, _, start, row, own, _, _, _, _ = rows
    x, activity = state[0], state[1]
    step, added = 1.0 - 2.0 * x[variable], 0.0
    x[variable] += step
    for place in range(start[variable], start[variable + 1]):
        activity[row[place]] += step * own[place]
        added += refresh(rows, state, row[place])
    return added


@part
def refresh(rows: Rows, state: Flipped, number: int) -> float:
    """Looks at a row anew, and at what flips of its variables would do to it; what that adds to the violation."""
    column, begin, value, _, _, _, low, high, scale, binary = rows
    x, activity, violation, change, share, weight, _, _, _ = state
    now, least, most = activity[number], low[number], high[number]
    missed = _missed(now, least, most)
    more = missed - violation[number]
    _list(state, number, missed > 0)
    violation[number] = missed
    for place in range(begin[number], begin[number + 1]):
        variable = column[place]
        if binary[variable]:
            after = now + value[place] * (1.0 - 2.0 * x[variable])
            adds = (_missed(after, least, most) - missed) * weight[number] * scale[number]
            change[variable] += adds - share[place]
            share[place] = adds
    added: float = more * scale[number]
    return added


@part
def _list(state: Flipped, number: int, violated: bool) -> None:
    """Keeps the list of violated rows, before the violation of one is written."""
    violation, broken, listed, place = state[2], state[6], state[7], state[8]
    if violated and violation[number] == 0:
        listed[broken[0]], place[number] = number, broken[0]
        broken[0] += 1
    elif not violated and violation[number] > 0:
        broken[0] -= 1
        last = listed[broken[0]]
        listed[place[number]], place[last] = last, place[number]


@part
def _missed(activity: float, low: float, high: float) -> float:
    missed = max(max(low - activity, activity - high), 0.0)
    return missed if missed > ROUNDING else 0.0
