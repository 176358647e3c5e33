"""Bounds that all rows together imply, or the row that shows that there is no solution.

No feasible point is lost, not even one that misses rows by what verification forgives.
"""

from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import TOLERANCE
from becalm_programs.propagation.rows import Rows

_EFFORT = 200
"""Coefficients looked at, for each that there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Tightened:
    """What propagation makes of a program's bounds.

    Attributes:
        low: (n,) least values. high: (n,) greatest values; where ``broken`` is given, what they were there.
        broken: Name of a row that cannot hold: the program is infeasible; empty if there is none.
    """

    low: Array
    high: Array
    broken: str = ""

    @property
    def proof(self) -> str:
        """By what it is proved that there is no solution; empty where it is not."""
        return f"row {self.broken!r} cannot hold within the bounds that the others leave" if self.broken else ""


def tighten(program: Program, rows: Rows | None = None, tolerance: float = TOLERANCE) -> Tightened:
    """Propagates the bounds of a program to a fixed point, or as far as a fixed effort leads.

    Args:
        rows: Those of the program, where they are at hand.
        tolerance: By how much a point may miss rows that is not to be lost.
    """
    from becalm_programs.propagation.kernel import HOLDS, Queue, Trail, propagate

    rows = Rows.of(program) if rows is None else rows
    count = len(rows.low)
    low, high = program.low.copy(), program.high.copy()
    crossed = np.flatnonzero(rows.low[:-1] > rows.high[:-1])
    if len(crossed):
        return Tightened(low, high, program.row_names[int(crossed[0])])
    waiting = (rows.low > -np.inf) | (rows.high < np.inf)
    order = np.zeros(count, dtype=np.int64)
    order[: waiting.sum()] = np.flatnonzero(waiting)
    effort = _EFFORT * max(1, len(rows.row_value))
    queue = Queue(order, waiting, np.array([0, waiting.sum(), effort], dtype=np.int64))
    none = np.zeros(0)
    trail = Trail(np.zeros(0, dtype=np.int64), none, none, np.array([-1], dtype=np.int64))
    end = propagate(rows, low, high, queue, trail, tolerance)
    return Tightened(low, high, "" if end == HOLDS else program.row_names[end])
