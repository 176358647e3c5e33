"""Bounds tightened by the activities of rows, compiled (Savelsbergh 1994, section 1.1; Achterberg 2007, section 7.1).

    a_j x_j <= high - min sum_(k != j) a_k x_k,    integers rounded inwards

A change of a variable's bounds brings its rows back into the queue, so a step costs what it touches. Activities are
summed anew at each visit: nothing drifts.
"""

from typing import NamedTuple

import numpy as np

from becalm_programs.compiled import compiled
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask
from becalm_programs.propagation.rows import Rows

HOLDS = -1
"""In place of a row: none is broken."""
_GAIN = 1e-8
"""What a continuous variable's bound is moved by at least, relative to its range: little steps could go on for ever."""
OVERFLOW = -2
"""In place of a row: there was no room to record a change."""


class Queue(NamedTuple):
    """Rows to be looked at.

    Attributes:
        row: (m + 1,) a ring of rows. waiting: (m + 1,) which rows are in it.
        ends: (3,) where the ring begins, how many rows are in it, how many coefficients may yet be looked at.
    """

    row: Indices
    waiting: Mask
    ends: Indices


class Trail(NamedTuple):
    """Bounds as they were before each change, to be put back.

    Attributes:
        variable: (t,). low: (t,). high: (t,). size: (1,) how many changes there are; -1 keeps none.
    """

    variable: Indices
    low: Array
    high: Array
    size: Indices


@compiled
def wake(rows: Rows, variable: int, queue: Queue) -> None:
    """Puts the rows of a variable into the queue."""
    count = len(rows.low)
    for place in range(rows.column_start[variable], rows.column_start[variable + 1]):
        row = rows.column_row[place]
        if not queue.waiting[row] and (rows.low[row] > -np.inf or rows.high[row] < np.inf):
            queue.waiting[row] = True
            queue.row[(queue.ends[0] + queue.ends[1]) % count] = row
            queue.ends[1] += 1


@compiled
def bound(
    rows: Rows, low: Array, high: Array, variable: int, least: float, most: float, queue: Queue, trail: Trail
) -> bool:
    """Sets the bounds of a variable; False if there is no room to record what they were."""
    size = trail.size[0]
    if size >= 0:
        if size >= len(trail.variable):
            return False
        trail.variable[size], trail.low[size], trail.high[size] = variable, low[variable], high[variable]
        trail.size[0] += 1
    low[variable], high[variable] = least, most
    wake(rows, variable, queue)
    return True


@compiled
def restore(low: Array, high: Array, trail: Trail, size: int) -> None:
    """Takes all changes after the first ``size`` back."""
    for place in range(trail.size[0] - 1, size - 1, -1):
        variable = trail.variable[place]
        low[variable], high[variable] = trail.low[place], trail.high[place]
    trail.size[0] = size


@compiled
def clear(queue: Queue) -> None:
    """Takes all rows out of the queue."""
    count = len(queue.row)
    for step in range(queue.ends[1]):
        queue.waiting[queue.row[(queue.ends[0] + step) % count]] = False
    queue.ends[1] = 0


@compiled
def propagate(rows: Rows, low: Array, high: Array, queue: Queue, trail: Trail, tolerance: float) -> int:
    """Tightens bounds (n,) in place until the queue is empty, or its allowance is spent.

    Args:
        tolerance: By how much rows may be missed; no point that misses less is lost.

    Returns:
        The row that cannot hold, ``HOLDS`` or ``OVERFLOW``.
    """
    count = len(queue.row)
    while queue.ends[1] > 0:
        row = queue.row[queue.ends[0]]
        queue.ends[0] = (queue.ends[0] + 1) % count
        queue.ends[1] -= 1
        queue.waiting[row] = False
        queue.ends[2] -= rows.row_start[row + 1] - rows.row_start[row]
        if queue.ends[2] < 0:
            clear(queue)
            return HOLDS
        end = _visit(rows, low, high, row, queue, trail, tolerance)
        if end != HOLDS:
            clear(queue)
            return end
    return HOLDS


@compiled
def _visit(rows: Rows, low: Array, high: Array, row: int, queue: Queue, trail: Trail, tolerance: float) -> int:
    """Tightens bounds by one row; what ``propagate`` returns."""
    start, end = rows.row_start[row], rows.row_start[row + 1]
    least, most, size, open_least, open_most = 0.0, 0.0, 0.0, 0, 0
    for place in range(start, end):
        value, variable = rows.row_value[place], rows.row_column[place]
        first, last = value * low[variable], value * high[variable]
        if value < 0:
            first, last = last, first
        if first == -np.inf:
            open_least += 1
        else:
            least += first
            size += abs(first)
        if last == np.inf:
            open_most += 1
        else:
            most += last
            size += abs(last)
    # The rounding of the sums. What bounds are tightened to misses the row by one slack, and must not break it.
    slack = tolerance + 1e-15 * (end - start + 2) * size
    if open_least == 0 and least > rows.high[row] + 2 * slack:
        return row
    if open_most == 0 and most < rows.low[row] - 2 * slack:
        return row
    upper = rows.high[row] < np.inf and open_least <= 1 and (open_most > 0 or most > rows.high[row])
    lower = rows.low[row] > -np.inf and open_most <= 1 and (open_least > 0 or least < rows.low[row])
    if not (upper or lower):
        return HOLDS
    for place in range(start, end):
        value, variable = rows.row_value[place], rows.row_column[place]
        here, there = low[variable], high[variable]
        if here == there:
            continue
        first, last = value * here, value * there
        if value < 0:
            first, last = last, first
        down, up = here, there
        if upper and (open_least == 0 or first == -np.inf):
            limit = (rows.high[row] + slack - (least if first == -np.inf else least - first)) / value
            if value > 0:
                up = min(up, limit)
            else:
                down = max(down, limit)
        if lower and (open_most == 0 or last == np.inf):
            limit = (rows.low[row] - slack - (most if last == np.inf else most - last)) / value
            if value > 0:
                down = max(down, limit)
            else:
                up = min(up, limit)
        if rows.integer[variable]:
            down, up = np.ceil(down - 1e-9), np.floor(up + 1e-9)
        least_gain = _GAIN * max(1.0, there - here) if there - here < np.inf else _GAIN
        if down <= here + least_gain:
            down = here
        if up >= there - least_gain:
            up = there
        if down == here and up == there:
            continue
        if down > up:
            if rows.integer[variable] or down > up + 2 * slack / abs(value):
                return row
            down = up = min(max(0.5 * (down + up), here), there)
        if not bound(rows, low, high, variable, down, up, queue, trail):
            return OVERFLOW
        # What this row has become shows at its next visit; until then its sums are only weaker than they could be.
    return HOLDS
