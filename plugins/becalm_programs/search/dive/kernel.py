"""The dive itself, compiled.

Variables are fixed in a given order, each as near as it can be to the value that is wished for. Where a row cannot hold
any more, the last decision is taken back and its value excluded, and the variable that this happened to is the next to
be fixed (last conflict, Lecoutre et al. 2009).
"""

from typing import NamedTuple

import numpy as np

from becalm_programs.compiled import compiled
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.propagation.kernel import HOLDS, OVERFLOW, Queue, Trail, bound, clear, propagate, restore
from becalm_programs.propagation.rows import MISS, Rows

FIXED, BROKEN, SPENT = 0, 1, 2
"""All are fixed; there is nothing more to try; the conflicts or the effort that were allowed are spent."""


class Stack(NamedTuple):
    """Decisions that hold at the moment.

    Attributes:
        variable: (n,). value: (n,) that it was fixed to. mark: (n,) changes of bounds before. place: (n,) in the order.
    """

    variable: Indices
    value: Array
    mark: Indices
    place: Indices


@compiled
def dive(
    rows: Rows,
    low: Array,
    high: Array,
    order: Indices,
    wish: Array,
    conflict: Array,
    stack: Stack,
    queue: Queue,
    trail: Trail,
    conflicts: int,
) -> int:
    """Fixes the variables of ``order``, in place; bounds (n,) are those that rows imply already.

    Args:
        wish: (n,) values that variables are to be near.
        conflict: (n,) how often a variable stood in a row that could not hold; added to.
        conflicts: So many of these at most.

    Returns:
        ``FIXED``, ``BROKEN`` or ``SPENT``.
    """
    depth, place, urgent, met = 0, 0, -1, 0
    while True:
        if urgent < 0 or low[urgent] == high[urgent]:
            urgent = -1
            while place < len(order) and low[order[place]] == high[order[place]]:
                place += 1
            if place == len(order):
                return FIXED
        variable = order[place] if urgent < 0 else urgent
        value = min(max(np.rint(wish[variable]), low[variable]), high[variable])
        stack.variable[depth], stack.value[depth] = variable, value
        stack.mark[depth], stack.place[depth] = trail.size[0], place
        depth += 1
        broken = _set(rows, low, high, variable, value, value, queue, trail)
        while broken != HOLDS:
            met += 1
            if broken >= 0:
                for entry in range(rows.row_start[broken], rows.row_start[broken + 1]):
                    conflict[rows.row_column[entry]] += 1.0
            if met > conflicts:
                return SPENT
            if depth == 0:
                return BROKEN
            depth -= 1
            restore(low, high, trail, stack.mark[depth])
            place, variable, value = stack.place[depth], stack.variable[depth], stack.value[depth]
            urgent = variable
            # The longer side of what is left; a value in the middle splits the range, and the other side is given up.
            if high[variable] - value >= value - low[variable]:
                broken = _set(rows, low, high, variable, value + 1.0, high[variable], queue, trail)
            else:
                broken = _set(rows, low, high, variable, low[variable], value - 1.0, queue, trail)
        if queue.ends[2] < 0:
            return SPENT


@compiled
def _set(
    rows: Rows, low: Array, high: Array, variable: int, least: float, most: float, queue: Queue, trail: Trail
) -> int:
    """Sets the bounds of a variable and propagates."""
    if not bound(rows, low, high, variable, least, most, queue, trail):
        clear(queue)
        return OVERFLOW
    return propagate(rows, low, high, queue, trail, MISS)


@compiled
def fix_continuous(
    rows: Rows, low: Array, high: Array, order: Indices, wish: Array, queue: Queue, trail: Trail
) -> bool:
    """Fixes variables that need not be whole, in place, each at the bound that costs least or, if that breaks a row, at
    the other; those without cost as near as they can be to what is wished for. False if neither will do.
    """
    cost = np.zeros(len(low))
    objective = len(rows.low) - 1
    for entry in range(rows.row_start[objective], rows.row_start[objective + 1]):
        cost[rows.row_column[entry]] = rows.row_value[entry]
    for variable in order:
        if low[variable] == high[variable]:
            continue
        value = min(max(wish[variable], low[variable]), high[variable])
        if cost[variable] > 0 and low[variable] > -np.inf:
            value = low[variable]
        elif cost[variable] < 0 and high[variable] < np.inf:
            value = high[variable]
        mark = trail.size[0]
        if _set(rows, low, high, variable, value, value, queue, trail) != HOLDS:
            restore(low, high, trail, mark)
            value = high[variable] if value == low[variable] else low[variable]
            if np.isinf(value) or _set(rows, low, high, variable, value, value, queue, trail) != HOLDS:
                return False
    return bool(queue.ends[2] >= 0)


@compiled
def fix_all(rows: Rows, low: Array, high: Array, fixed: Indices, x: Array, queue: Queue, trail: Trail) -> bool:
    """Fixes variables as they are in x, then propagates; False if a row cannot hold."""
    for variable in fixed:
        value = x[variable]
        inside = low[variable] <= value <= high[variable]
        if inside and low[variable] == high[variable]:
            continue
        if not inside or not bound(rows, low, high, variable, value, value, queue, trail):
            clear(queue)
            return False
    return propagate(rows, low, high, queue, trail, MISS) == HOLDS
