"""Insertions with numpy and objects: what the compiled moves are held to."""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns, Indices, least_gain
from becalm_programs.search.structure.packing import Packing, recognise

_OUT = 3.0
"""Most that goes out for a variable, in units of what it gains; beyond, tries take long and seldom pay."""


def insertion(program: Program | Columns, x: Array, *, tries: int = 20_000) -> Array:
    """Improved copies of feasible solutions; what is infeasible, or is of no packing, comes back as it is.

    Args:
        x: (K, n) solutions. tries: Most insertions tried on each.

    Raises:
        ValueError: If x has another shape.
    """
    columns = Columns.of(program)
    packing = recognise(columns.program)
    if packing is None:
        return x

    def improve(solution: Array) -> Array:
        state = _State(packing, solution > 0)
        state.improve(tries)
        return state.inside.astype(np.float64)

    return improve_each(columns.program, x, [improve])


_Swap = tuple[int, Indices]
"""What went in, and what went out for it."""


def around(packing: Packing, variable: int) -> Indices:
    """What excludes a variable."""
    excluded: Indices = packing.neighbour[packing.start[variable] : packing.start[variable + 1]]
    return excluded


class _State:
    """One solution under way.

    Attributes:
        inside: (n,) what is 1.
        loss: (n,) sum of the gains of what excludes a variable and is 1.
    """

    def __init__(self, packing: Packing, inside: np.ndarray) -> None:
        self.packing, self.gain, self.inside = packing, packing.gain, inside
        self.least = least_gain(self.gain)
        self.loss = np.zeros(len(inside))
        self._count()

    def improve(self, tries: int) -> None:
        """Insertions until none pays, or so many have been tried."""
        self._climb(np.arange(len(self.gain)), [])
        pays = True
        while pays:
            pays = False
            for variable in self._outside():
                if self.inside[variable]:
                    continue
                if not tries:
                    return
                tries -= 1
                pays |= self._insert(variable)
            # Sums that were added to and taken from stay exact.
            self._count()

    def _count(self) -> None:
        self.loss[:] = 0.0
        for variable in np.flatnonzero(self.inside).tolist():
            self.loss[around(self.packing, variable)] += self.gain[variable]

    def _outside(self) -> list[int]:
        """What is 0, gains, and is not too dear; that which loses least by going in first."""
        outside = np.flatnonzero(~self.inside & (self.gain > 0) & (self.loss <= _OUT * self.gain))
        order = np.argsort((self.loss - self.gain)[outside], kind="stable")
        in_order: list[int] = outside[order].tolist()
        return in_order

    def _insert(self, variable: int) -> bool:
        """Whether it paid; if not, all is as it was."""
        swaps: list[_Swap] = []
        total = self._swap(variable, swaps)
        total += self._climb(self._near(swaps[0][1]), swaps)
        if total > self.least:
            return True
        self._undo(swaps)
        return False

    def _climb(self, places: Indices, swaps: list[_Swap]) -> float:
        """Swaps that pay, the best first, from places that may have become better; what they gain."""
        total = 0.0
        while len(places):
            gain = self.gain[places] - self.loss[places]
            gain[self.inside[places]] = 0.0
            best = int(gain.argmax())
            if gain[best] <= self.least:
                break
            total += self._swap(int(places[best]), swaps)
            places = np.concatenate([places[gain > 0], self._near(swaps[-1][1])])
        return total

    def _near(self, left: Indices) -> Indices:
        """Where losses fall as variables leave."""
        return np.concatenate([left[:0], *(around(self.packing, each) for each in left.tolist())])

    def _swap(self, variable: int, swaps: list[_Swap]) -> float:
        """A variable goes in, what excludes it out; what that gains."""
        excluded = around(self.packing, variable)
        left = excluded[self.inside[excluded]]
        for each in left.tolist():
            self.loss[around(self.packing, each)] -= self.gain[each]
        self.inside[left] = False
        self.inside[variable] = True
        self.loss[excluded] += self.gain[variable]
        swaps.append((variable, left))
        return float(self.gain[variable] - self.gain[left].sum())

    def _undo(self, swaps: list[_Swap]) -> None:
        for variable, left in reversed(swaps):
            self.inside[variable] = False
            self.loss[around(self.packing, variable)] -= self.gain[variable]
            self.inside[left] = True
            for each in left.tolist():
                self.loss[around(self.packing, each)] += self.gain[each]
