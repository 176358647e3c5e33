"""A pool of good and different solutions of one program: what is verified, and differs in an integer variable.

Of solutions that differ in continuous variables alone, the best is kept.
"""

import math
from bisect import bisect_right, insort
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify

_ROUNDING = 1e-9


class Added(NamedTuple):
    """What became of solutions that were handed to a pool.

    Attributes:
        drawn: How many they were. feasible: Of these, those that verify.
        repeated: Feasible ones that the pool had already. kept: Those that are new and near enough to the best.
        gain: By how much the best became better, as a share of its size before; 0 where it is the first.
    """

    drawn: int
    feasible: int
    repeated: int
    kept: int
    gain: float


class SolutionPool:
    """Solutions found so far, the best first.

    Args:
        within: How far off the best a solution may be, as a share of the best objective; None for any distance.
        most: How many are kept, the best of them.
    """

    def __init__(self, program: Program, within: float | None = None, most: int | None = None) -> None:
        self.program, self.within = program, within
        self._most = most
        self._x: dict[bytes, Array] = {}
        self._order: list[tuple[float, int, bytes]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._order)

    @property
    def best(self) -> float:
        """Least ``cost . x``; infinite while there is none."""
        return self._order[0][0] if self._order else math.inf

    @property
    def values(self) -> Array:
        """(P,) ``cost . x`` of each, the least first."""
        return np.array([value for value, _, _ in self._order])

    def add(self, x: npt.NDArray[np.float64]) -> Added:
        """Takes in those of the solutions (K, n) that verify and are near enough to the best of all.

        Raises:
            ValueError: If x has another shape.
        """
        before, repeated, fresh = self.best, 0, set[bytes]()
        good = np.asarray(x)[verify(self.program, x).feasible] + 0.0  # No negative zeros.
        for each in good:
            key = each[self.program.integer].tobytes()
            if key in self._x:
                repeated += key not in fresh
                self._replace(key, each)
            else:
                fresh.add(key)
                self._insert(key, each)
        self._drop()
        gain = 0.0
        if math.isfinite(before):
            offset = self.program.offset
            gain = (before - self.best) / max(abs(before + offset), abs(self.best + offset), _ROUNDING)
        return Added(len(x), len(good), repeated, sum(key in self._x for key in fresh), gain)

    def member(self, place: int) -> Array:
        """(n,) one of them, 0 is the best."""
        return self._x[self._order[place][2]]

    def all(self) -> Array:
        """(P, n) all of them, the best first."""
        kept = [self._x[key] for _, _, key in self._order]
        return np.stack(kept) if kept else np.zeros((0, len(self.program.cost)))

    def choose(self, count: int | None) -> Array:
        """(K, n) at most ``count`` of them: the best, then always the one farthest from those chosen; best first."""
        known = self.all()
        if count is None or len(known) <= count:
            return known
        chosen = [0]
        distance = (known != known[0]).sum(axis=1)
        while len(chosen) < count:
            chosen.append(int(distance.argmax()))
            distance = np.minimum(distance, (known != known[chosen[-1]]).sum(axis=1))
        places: npt.NDArray[np.int64] = np.sort(np.array(chosen))
        return known[places]

    def _insert(self, key: bytes, x: Array) -> None:
        value = float(self.program.cost @ x)
        if value > self._limit():
            return
        self._added += 1
        self._x[key] = x.copy()
        insort(self._order, (value, self._added, key))

    def _replace(self, key: bytes, x: Array) -> None:
        """The better of two that differ in continuous variables alone."""
        if self.program.integer.all() or self.program.cost @ x >= self.program.cost @ self._x[key]:
            return
        self._order = [entry for entry in self._order if entry[2] != key]
        del self._x[key]
        self._insert(key, x)

    def _drop(self) -> None:
        """Forgets what is too far off the best, or too many: it never comes back."""
        end = bisect_right(self._order, (self._limit(), self._added + 1, b""))
        if self._most is not None:
            end = min(end, self._most)
        for _, _, key in self._order[end:]:
            del self._x[key]
        del self._order[end:]

    def _limit(self) -> float:
        """The largest value of the minimisation within reach."""
        if self.within is None or not self._order:
            return math.inf
        size = abs(self.best + self.program.offset)
        return self.best + self.within * size + _ROUNDING * max(1.0, size)
