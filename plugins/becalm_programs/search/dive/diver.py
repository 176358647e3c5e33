"""Dives into one program: what they all share, and how often one is tried anew.

After so many conflicts a dive begins anew with those variables first that stood in rows that could not hold (as
Boussemart et al. 2004 weigh them). Nothing is drawn here: one wish leads to one solution.
"""

import numpy as np

from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Program
from becalm_programs.propagation.rows import Rows

Bounds = tuple[Array, Array]

_PASSES = 30
"""How often a dive may look at every coefficient; and ``_MORE`` coefficients beside that."""
_NEAR_PASSES = 10
"""The same where most variables are fixed from the beginning; and ``_CONFLICTS`` at most."""
_MORE, _MORE_NEAR = 2_000_000, 20_000
_CONFLICTS = 30


class Diver:
    """Dives into one program.

    Attributes:
        rows: Of the program; a bound of the last one limits the objective of what is found.
        low: (n,) bounds that rows imply. high: (n,).
        whole: Integer variables, those of the fewest values first.
    """

    def __init__(self, program: Program, rows: Rows, low: Array, high: Array) -> None:
        from becalm_programs.propagation.kernel import Queue, Trail
        from becalm_programs.search.dive.kernel import Stack

        size, count = len(low), len(rows.low)
        self.rows, self.low, self.high = rows, low, high
        self.whole = np.flatnonzero(program.integer)
        self._open = np.flatnonzero(~program.integer)
        self._open = self._open[np.argsort(-np.abs(program.cost[self._open]), kind="stable")]
        self._coefficients = len(rows.row_value)
        changes = 8 * size + 4096
        self._queue = Queue(np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(3, np.int64))
        self._trail = Trail(np.zeros(changes, np.int64), np.zeros(changes), np.zeros(changes), np.zeros(1, np.int64))
        self._stack = Stack(
            np.zeros(size + 1, np.int64), np.zeros(size + 1), np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64)
        )

    def dive(
        self, wish: Array, order: Indices, *, conflicts: int = 100, restarts: int = 1
    ) -> tuple[Array, Array] | None:
        """Bounds (n,) with the variables of an order fixed, so that no row is seen to break; None if there are none.

        Args:
            wish: (n,) values that variables are to be near.
            order: Integer variables, which to fix first; those left out stay open.
            conflicts: Of the first dive; each further one has half as many more.
            restarts: Dives.
        """
        from becalm_programs.search.dive.kernel import BROKEN, FIXED, dive

        seen = np.zeros(len(wish))
        for _ in range(restarts):
            low, high = self._begin(_PASSES, _MORE)
            end = dive(self.rows, low, high, order, wish, seen, self._stack, self._queue, self._trail, conflicts)
            if end == FIXED:
                return low, high
            if end == BROKEN:
                return None
            order = order[np.argsort(-seen[order], kind="stable")]
            conflicts += conflicts // 2 + 1
        return None

    def near(self, x: Array, free: Indices, wish: Array) -> Array | None:
        """A solution (n,) that differs from x in integer variables that are free only; None if a short dive finds none.

        Continuous variables go to the cheaper of their bounds, one after another.
        """
        from becalm_programs.search.dive.kernel import FIXED, dive, fix_all

        low, high = self._begin(_NEAR_PASSES, _MORE_NEAR)
        fixed = np.ones(len(x), dtype=bool)
        fixed[free] = fixed[self._open] = False
        if not fix_all(self.rows, low, high, np.flatnonzero(fixed), x, self._queue, self._trail):
            return None
        seen = np.zeros(len(x))
        end = dive(self.rows, low, high, free, wish, seen, self._stack, self._queue, self._trail, _CONFLICTS)
        return self._close(low, high, wish) if end == FIXED else None

    def finish(self, low: Array, high: Array, wish: Array) -> Array | None:
        """A solution (n,) within bounds that fix all integers, as ``near``; changes the bounds."""
        self._begin(_PASSES, _MORE)
        return self._close(low, high, wish)

    def _close(self, low: Array, high: Array, wish: Array) -> Array | None:
        from becalm_programs.search.dive.kernel import fix_continuous

        if len(self._open) and not fix_continuous(self.rows, low, high, self._open, wish, self._queue, self._trail):
            return None
        return low

    def _begin(self, passes: int, more: int) -> Bounds:
        self._trail.size[0] = 0
        self._queue.ends[:] = 0, 0, passes * self._coefficients + more
        return self.low.copy(), self.high.copy()
