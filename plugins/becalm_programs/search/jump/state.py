"""One solution under way, compiled: its rows' activities, which rows are violated, and how much moves would mend."""

from typing import NamedTuple

import numpy as np

from becalm_programs.compiled import compiled
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.propagation.rows import Rows

HELD = 1e-7
"""A row that is missed by no more than this holds; a tenth of what verification forgives."""


class State(NamedTuple):
    """Where a search is.

    Attributes:
        x: (n,) the solution. activity: (m + 1,) of the rows.
        weight: (m + 1,) of the rows, in units of one over their largest coefficient. scale: (m + 1,) that unit.
        violated: (m + 1,) the rows that are violated, in no order, ``size`` (1,) of them. position: (m + 1,) of each
            row there, -1 for rows that hold.
        last: (n,) step of each variable's last move.
    """

    x: Array
    activity: Array
    weight: Array
    scale: Array
    violated: Indices
    size: Indices
    position: Indices
    last: Indices


@compiled
def violation(rows: Rows, row: int, activity: float) -> float:
    """By how much an activity leaves the bounds of a row; 0 where that is next to nothing."""
    missed = max(rows.low[row] - activity, activity - rows.high[row])
    return missed if missed > HELD else 0.0


@compiled
def mark(rows: Rows, state: State, row: int) -> None:
    """Writes down whether a row is violated."""
    position = state.position[row]
    if violation(rows, row, state.activity[row]) > 0:
        if position < 0:
            state.position[row] = state.size[0]
            state.violated[state.size[0]] = row
            state.size[0] += 1
    elif position >= 0:
        state.size[0] -= 1
        other = state.violated[state.size[0]]
        state.violated[position] = other
        state.position[other] = position
        state.position[row] = -1


@compiled
def begin(rows: Rows, state: State) -> None:
    """Sums all activities of x anew."""
    state.size[0] = 0
    for row in range(len(rows.low)):
        state.position[row] = -1
        total = 0.0
        for place in range(rows.row_start[row], rows.row_start[row + 1]):
            total += rows.row_value[place] * state.x[rows.row_column[place]]
        state.activity[row] = total
        mark(rows, state, row)


@compiled
def move(rows: Rows, state: State, variable: int, value: float, step: int) -> None:
    """Sets a variable."""
    change = value - state.x[variable]
    state.x[variable] = value
    state.last[variable] = step
    for place in range(rows.column_start[variable], rows.column_start[variable + 1]):
        row = rows.column_row[place]
        state.activity[row] += rows.column_value[place] * change
        mark(rows, state, row)


@compiled
def gain(rows: Rows, state: State, variable: int, value: float) -> float:
    """By how much the weighted violation falls if a variable is set to a value."""
    change = value - state.x[variable]
    total = 0.0
    for place in range(rows.column_start[variable], rows.column_start[variable + 1]):
        row = rows.column_row[place]
        before, after = state.activity[row], state.activity[row] + rows.column_value[place] * change
        less = violation(rows, row, before) - violation(rows, row, after)
        if less != 0:
            total += state.weight[row] * state.scale[row] * less
    return total


@compiled
def jump_value(rows: Rows, low: Array, high: Array, state: State, variable: int, most: int) -> tuple[float, float]:
    """The value, other than its own, at which a variable mends most, and how much that is.

    The weighted violation is convex and piecewise linear in one variable, so it is least where a row begins or ceases
    to hold: a binary variable flips, any other has the breakpoints of its rows to choose from, ``most`` of them.
    """
    here, least, greatest = state.x[variable], low[variable], high[variable]
    whole = rows.integer[variable]
    if whole and greatest - least == 1.0:
        value = least if here > least else greatest
        return value, gain(rows, state, variable, value)
    best, best_value, looked = -np.inf, here, 0
    for place in range(rows.column_start[variable], rows.column_start[variable + 1]):
        row, slope = rows.column_row[place], rows.column_value[place]
        for side in range(2):
            limit = rows.low[row] if side == 0 else rows.high[row]
            if np.isinf(limit):
                continue
            value = here + (limit - state.activity[row]) / slope
            if whole:
                # On the side where the row holds.
                value = np.ceil(value - 1e-7) if (slope > 0) == (side == 0) else np.floor(value + 1e-7)
            value = min(max(value, least), greatest)
            if abs(value - here) <= 1e-9:
                continue
            mends = gain(rows, state, variable, value)
            looked += 1
            if mends > best:
                best, best_value = mends, value
            if looked >= most:
                return best_value, best
    return best_value, best
