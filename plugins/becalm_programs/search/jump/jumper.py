"""Jump walks through one program, and what they all share."""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.propagation.rows import Rows

_EFFORT, _LEAST_STEPS = 2e6, 200
"""Coefficients that a walk may look at; and steps that it makes in any case."""


class Jumper:
    """Walks through one program.

    Attributes:
        rows: Of the program. low: (n,) bounds that variables keep. high: (n,).
    """

    def __init__(self, program: Program, rows: Rows, low: Array, high: Array) -> None:
        self.rows, self.low, self.high = rows, low, high
        self._integer = program.integer
        length = np.diff(rows.row_start)
        largest = np.zeros(len(length))
        np.maximum.at(largest, np.repeat(np.arange(len(length)), length), np.abs(rows.row_value))
        # A step looks at the columns of some variables of some rows.
        self._step_effort = 4 * min(60.0, float(length.mean())) * max(1.0, float(length.sum() / len(low)))
        self._scale = 1.0 / np.where(largest > 0, largest, 1.0)

    def walk(self, x: Array, sure: Array, seed: int, steps: int, gap: float = 0.0) -> Array | None:
        """A solution (n,) that breaks no row, from x; None if no step leads to one.

        Args:
            x: (n,) where to begin. sure: (n,) in [0, 1], how sure each value is.
            seed: Of what is drawn.
            steps: At most so many; fewer where each takes long.
            gap: Above 0, the walk goes on below each solution found, by at least so much; the best counts.
        """
        from becalm_programs.search.jump.kernel import walk
        from becalm_programs.search.jump.state import State

        count = len(self.rows.low)
        start = np.clip(np.where(self._integer, np.rint(x), x), self.low, self.high)
        state = State(
            x=start,
            activity=np.zeros(count),
            weight=np.ones(count),
            scale=self._scale,
            violated=np.zeros(count, np.int64),
            size=np.zeros(1, np.int64),
            position=np.full(count, -1, np.int64),
            last=np.full(len(x), -1000, np.int64),
        )
        best = start.copy()
        random = np.array([1 + (seed * 2654435761 + 88172645463325252) % (2**62)], np.int64)
        steps = min(steps, max(_LEAST_STEPS, int(_EFFORT / self._step_effort)))
        before = self.rows.high[-1]
        found = walk(self.rows, self.low, self.high, state, sure, best, random, steps, gap)
        self.rows.high[-1] = before
        return best if found else None
