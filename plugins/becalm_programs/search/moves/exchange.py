"""1-opt where rows say that exactly one of a set is 1: there no single variable can move, but the choice of a set can.

    choice    a set chooses another member, which costs less
    closing   a variable goes to 0, and every set that hung on it chooses anew: a facility is closed
    opening   a variable goes to 1, and the sets that now have a cheaper member choose it: a facility is opened

A move is made if it betters the objective and breaks no row (drop and add, Kuehn and Hamburger 1963, for whatever
program has such sets). Sets that hung on what is closed choose by regret: first those whose second choice would cost
the most more. Where a program is recognised as facility location, one more change of its facilities is made at the end,
an exchange or another (``becalm_programs.search.structure.facility``). Each solution is improved for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import groups
from becalm_programs.search.kernels.exchange import Room, exchange_all
from becalm_programs.search.kernels.flips import rows_of, state_of
from becalm_programs.search.structure.columns import Columns, least_gain
from becalm_programs.search.structure.facility import recognise

_ROUNDS = 20
"""Most passes over all moves."""


def exchange(columns: Columns) -> Callable[[Array], Array] | None:
    """The moves of a program; None if it has no sets."""
    sets = Sets.of(columns.program)
    if not len(sets.member):
        return None
    facility = recognise(columns.program)

    def improve(solution: Array) -> Array:
        exchanged = _exchange(columns, sets, solution)
        return exchanged if facility is None else facility.change(exchanged)

    return improve


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Sets of variables of which exactly one is 1.

    Attributes:
        number: (n,) set of each variable, -1 for none.
        begin: (S + 1,) where the variables of each set begin. member: The variables, set after set.
        single: Binary variables outside of sets that may be 0 and 1.
    """

    number: Indices
    begin: Indices
    member: Indices
    single: Indices

    @classmethod
    def of(cls, program: Program) -> "Sets":
        """The sets that the rows of a program tell of, of variables that may be 0 and 1."""
        free = program.binary & (program.low < program.high)
        row = groups(program.rows, program.row_low, program.row_high, free)
        inside = np.flatnonzero(row >= 0)
        _, number, sizes = np.unique(row[inside], return_inverse=True, return_counts=True)
        set_of = np.full(len(row), -1)
        set_of[inside] = number
        begin = np.concatenate([[0], np.cumsum(sizes)])
        return cls(set_of, begin, inside[np.argsort(number, kind="stable")], np.flatnonzero(free & (row < 0)))

    @property
    def members(self) -> tuple[Indices, ...]:
        """Of each set, its variables."""
        return tuple(np.split(self.member, self.begin[1:-1])) if len(self.member) else ()


def _exchange(columns: Columns, sets: Sets, x: Array) -> Array:
    """Passes over all moves until none pays, or so many."""
    cost, size = columns.program.cost, len(x)
    chosen = sets.member[x[sets.member] > 0]
    chosen = chosen[np.argsort(sets.number[chosen], kind="stable")]
    dear = sets.single[cost[sets.single] > 0]
    dear = dear[np.argsort(-cost[dear], kind="stable")]
    state = state_of(columns, x)
    kernel_sets = sets.begin, sets.member, sets.number, chosen
    exchange_all(rows_of(columns), state, kernel_sets, cost, dear, _room(size), least_gain(cost), _ROUNDS)
    return state[0]


def _room(size: int) -> Room:
    return (
        np.zeros(2 * size + 1, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size),
        np.zeros(size, np.int64),
        np.zeros(size),
    )
