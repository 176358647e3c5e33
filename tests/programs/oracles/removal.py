"""Removals with numpy and objects: what the compiled moves are held to."""

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns, Indices, least_gain, ragged
from becalm_programs.search.structure.covering import Covering, recognise


def removal(program: Program | Columns, x: Array, *, tries: int = 20_000) -> Array:
    """Improved copies of feasible solutions; what is infeasible, or is of no covering, comes back as it is.

    Args:
        x: (K, n) solutions. tries: Most removals tried on each.

    Raises:
        ValueError: If x has another shape.
    """
    columns = Columns.of(program)
    covering = recognise(columns.program)
    if covering is None:
        return x

    def improve(solution: Array) -> Array:
        state = _State(columns, covering, solution > 0)
        state.improve(tries)
        return state.inside.astype(np.float64)

    return improve_each(columns.program, x, [improve])


def members(covering: Covering, rows: Indices) -> Indices:
    """Variables that cover the rows, row after row."""
    places, _ = ragged(covering.begin[rows], covering.begin[rows + 1] - covering.begin[rows])
    return covering.member[places]


class _State:
    """One solution under way.

    Attributes:
        inside: (n,) what is 1. count: (m,) by how many a row is covered.
    """

    def __init__(self, columns: Columns, covering: Covering, inside: Mask) -> None:
        self.columns, self.covering, self.cost, self.inside = columns, covering, covering.cost, inside
        self.least = least_gain(self.cost)
        self.count = np.where(covering.needs, 0, 1 << 30)
        for variable in np.flatnonzero(inside).tolist():
            self.count[self._covered(variable)] += 1

    def improve(self, tries: int) -> None:
        """Removals until none pays, or so many have been tried."""
        pays = True
        while pays:
            pays = False
            for variable in self._dearest(np.flatnonzero(self.inside & (self.cost > 0))):
                if not self.inside[variable]:
                    continue
                if not tries:
                    return
                tries -= 1
                pays |= self._remove(variable)

    def _dearest(self, variables: Indices) -> list[int]:
        in_order: list[int] = variables[np.argsort(-self.cost[variables], kind="stable")].tolist()
        return in_order

    def _remove(self, variable: int) -> bool:
        """Whether it paid; if not, all is as it was."""
        flipped: list[int] = []
        total = self._flip(variable, flipped)
        bare = self._covered(variable)
        while len(bare := bare[self.count[bare] == 0]):
            other = self._best(bare, variable)
            if other is None:
                break
            total += self._flip(other, flipped)
        else:
            if total + self._drop(flipped) < -self.least:
                return True
        for each in reversed(flipped):
            self._flip(each, [])
        return False

    def _best(self, rows: Indices, not_this: int) -> int | None:
        """Which variable covers most of the rows for its cost; None if no other can."""
        others, covers = np.unique(members(self.covering, rows), return_counts=True)
        price = np.where(others == not_this, np.inf, self.cost[others]) / covers
        best = int(price.argmin())
        return int(others[best]) if np.isfinite(price[best]) else None

    def _drop(self, flipped: list[int]) -> float:
        """What shares rows with variables that came in, and is not needed any more, goes to 0; what that adds."""
        total = 0.0
        came = [self._covered(each) for each in flipped if self.inside[each]]
        if not came:
            return total
        near = members(self.covering, np.unique(np.concatenate(came)))
        for variable in self._dearest(np.unique(near[self.inside[near] & (self.cost[near] > 0)])):
            if (self.count[self._covered(variable)] >= 2).all():
                total += self._flip(variable, flipped)
        return total

    def _covered(self, variable: int) -> Indices:
        """Rows that a variable covers."""
        rows: Indices = self.columns.row[self.columns.start[variable] : self.columns.start[variable + 1]]
        return rows

    def _flip(self, variable: int, flipped: list[int]) -> float:
        """A variable goes to the other value; what that adds to the cost."""
        step = -1 if self.inside[variable] else 1
        self.inside[variable] = step > 0
        self.count[self._covered(variable)] += step
        flipped.append(variable)
        return float(step * self.cost[variable])
