"""Choices, closings and openings with numpy and objects: what the compiled moves are held to."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.moves.exchange import Sets
from becalm_programs.search.moves.flips import Flips
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns, Indices, least_gain
from becalm_programs.search.structure.facility import recognise
from oracles.placement import change


def exchange(program: Program | Columns, x: Array, *, rounds: int = 20) -> Array:
    """Improved copies of feasible solutions; what is infeasible, or has no sets, comes back as it is.

    Args:
        x: (K, n) solutions. rounds: Most passes over all moves.

    Raises:
        ValueError: If x has another shape.
    """
    columns = Columns.of(program)
    sets = Sets.of(columns.program)
    facility = recognise(columns.program) if sets.members else None

    def improve(solution: Array) -> Array:
        state = _State(Flips(columns, solution), sets)
        for _ in range(rounds):
            # Each kind has its turn even if the one before it got somewhere.
            if not state.choices() + state.closings() + state.openings():
                break
        return state.flips.x if facility is None else change(facility, state.flips.x)

    return improve_each(columns.program, x, [improve if sets.members else None])


@dataclass(slots=True)
class _Move:
    """Variables flipped, in order, and what the cost fell by."""

    flipped: list[int]
    gain: float


class _State:
    """One feasible solution under way."""

    def __init__(self, flips: Flips, sets: Sets) -> None:
        self.flips, self.sets, self.members = flips, sets, sets.members
        self.cost = flips.program.cost
        self.least = least_gain(self.cost)

    def choices(self) -> int:
        """Sets choose cheaper members as long as that breaks no row; how many did."""
        return sum(self._choose(number) for number in range(len(self.members)))

    def closings(self) -> int:
        """Variables that cost go to 0, the dearest first; how many did."""
        return sum(self._keep(self._close(each)) for each in self._on())

    def openings(self) -> int:
        """Variables that cost go to 1 where the sets that could use them might save more; how many did."""
        return sum(self._keep(self._open(each)) for each, gain in self._gains() if gain > self.least)

    def _on(self) -> list[int]:
        """Variables outside of sets that are 1 and cost, the dearest first."""
        on = self.sets.single[self.flips.x[self.sets.single] > 0]
        on = on[self.cost[on] > 0]
        return [int(each) for each in on[np.argsort(-self.cost[on], kind="stable")]]

    def _gains(self) -> list[tuple[int, float]]:
        """Those that are 0 and cost, with what they could gain at most, the greatest first."""
        off = self.sets.single[self.flips.x[self.sets.single] == 0]
        gains = [(int(each), self._users(int(each))[1].sum() - self.cost[each]) for each in off[self.cost[off] > 0]]
        return sorted(gains, key=lambda pair: -pair[1])

    def _users(self, variable: int) -> tuple[Indices, Array]:
        """Members of sets that share a row with a variable and cost less than what is chosen; how much less."""
        users = np.unique(np.concatenate([self.flips.members(int(row)) for row in self._rows(variable)]))
        users = users[(self.sets.number[users] >= 0) & (self.flips.x[users] == 0)]
        save = np.array([self.cost[self._chosen(int(self.sets.number[each]))] - self.cost[each] for each in users])
        order = np.argsort(-save, kind="stable")[: int((save > self.least).sum())]
        return users[order], save[order]

    def _chosen(self, number: int) -> int:
        members = self.members[number]
        return int(members[self.flips.x[members] > 0][0])

    def _fitting(self, number: int) -> Indices:
        """Members of a set without a choice that would break no row, the cheapest first."""
        members = self.members[number]
        change = self.flips.change[members]
        # Its own row is mended by any; what mends less than the best does breaks another.
        fits = members[change <= change.min() + 1e-9] if change.min() < 0 else members[:0]
        return fits[np.argsort(self.cost[fits], kind="stable")]

    def _choose(self, number: int) -> bool:
        before = self._chosen(number)
        if self.cost[before] - self.cost[self.members[number]].min() <= self.least:
            return False
        self.flips.flip(before)
        after = int(self._fitting(number)[0])
        better = bool(self.cost[before] - self.cost[after] > self.least)
        self.flips.flip(after if better else before)
        return better

    def _close(self, variable: int) -> "_Move | None":
        """Closes a variable, whatever that gains; None, and nothing is changed, if a set then has no choice."""
        flips, move = self.flips, _Move([], 0.0)
        self._flip(variable, move)
        hung = sorted(
            {
                int(self.sets.number[each])
                for row in flips.broken()
                for each in flips.members(int(row))
                if flips.x[each] > 0 and self.sets.number[each] >= 0
            }
        )
        for number in hung:
            self._flip(self._chosen(number), move)
        for number in self._by_regret(hung):
            fits = self._fitting(number)
            if not len(fits):
                break
            self._flip(int(fits[0]), move)
        if not len(flips.broken()):
            return move
        self._undo(move)
        return None

    def _by_regret(self, numbers: Iterable[int]) -> list[int]:
        """Sets without a choice, those first whose second choice would cost the most more."""

        def regret(number: int) -> float:
            fits = self.cost[self._fitting(number)[:2]]
            return np.inf if len(fits) < 2 else float(fits[1] - fits[0])

        return sorted(numbers, key=lambda number: (-regret(number), number))

    def _open(self, variable: int) -> "_Move | None":
        """Opens a variable for the sets that save most by it, whatever that gains; None if a row breaks."""
        users, _ = self._users(variable)
        move = _Move([], 0.0)
        self._flip(variable, move)
        if len(self.flips.broken()):
            self._undo(move)
            return None
        for user in users:
            choice = _Move([], 0.0)
            self._flip(self._chosen(int(self.sets.number[user])), choice)
            self._flip(int(user), choice)
            if len(self.flips.broken()) or choice.gain <= self.least:
                self._undo(choice)
            else:
                move.flipped += choice.flipped
                move.gain += choice.gain
        return move

    def _keep(self, move: "_Move | None") -> bool:
        """Whether a move pays; if not, it is undone."""
        if move is not None and move.gain > self.least:
            return True
        self._undo(move)
        return False

    def _flip(self, variable: int, move: "_Move") -> None:
        move.gain += float(self.cost[variable] * (2 * self.flips.x[variable] - 1))
        move.flipped.append(variable)
        self.flips.flip(variable)

    def _undo(self, move: "_Move | None") -> None:
        for variable in reversed(move.flipped if move is not None else []):
            self.flips.flip(variable)

    def _rows(self, variable: int) -> Indices:
        start, end = self.flips.columns.start[variable : variable + 2]
        return self.flips.columns.row[start:end]
