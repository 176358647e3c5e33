"""From a feasible solution to a better one near it: some integers are set free, all others stay, and a dive below the
objective sets them anew (large neighbourhood search, Shaw 1998).

What is free stands in rows that hang together. Propagation ends most tries at once: that nothing better is there shows
in a bound on the objective, which is a row like any other.
"""

import numpy as np

from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Program
from becalm_programs.search.dive.diver import Diver

_SHARES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Of the integers, how many are free; at least ``_LEAST``."""
_LEAST = 12
_SPREAD = 0.5
"""Deviation of the logarithm of costs in the order in which variables are fixed."""
_CHEAP = 0.9
"""How often a variable is wished to be where it costs least, rather than where it is."""
_GRAIN = 1e-4
"""By what share of the objective a step must better it, where costs do not say that it is whole."""

_EFFORT, _LEAST_ROUNDS = 1_000_000, 4
"""Nonzeros, over all tries; and tries in any case."""


class Descent:
    """Descents in one program."""

    def __init__(self, program: Program, diver: Diver) -> None:
        self._program, self._diver = program, diver
        self._loose = diver.low < diver.high
        self._whole = np.flatnonzero(program.integer & self._loose)
        self._general = diver.high - diver.low > 1
        self._quantum = _quantum(program)

    def better(self, x: Array, seed: int, rounds: int) -> Array:
        """A solution (n,) that costs no more than x, after so many tries, fewer in large programs.

        Args:
            x: (n,) a feasible solution. seed: Of what is drawn.
        """
        program, random = self._program, np.random.default_rng(seed)
        if not len(self._whole) or not program.cost.any():
            return x
        rounds = min(rounds, max(_LEAST_ROUNDS, _EFFORT // max(1, program.nonzeros)))
        limit, least = self._diver.rows.high, self._least()
        for number in range(rounds):
            value = float(program.cost @ x)
            gap = self._quantum or _GRAIN * max(abs(value), 1e-3)
            if value - gap < least - 1e-9:
                break
            free = self._order(self._neighbours(_SHARES[number % len(_SHARES)], random), random)
            limit[-1] = value - gap + 1e-9 * max(1.0, abs(value))
            found = self._diver.near(x, free, self._wish(x, random))
            if found is not None:
                x = found
        limit[-1] = np.inf
        return x

    def _least(self) -> float:
        """What no solution costs less than, by bounds alone."""
        cost = self._program.cost
        with np.errstate(invalid="ignore"):
            return float(np.where(cost == 0, 0.0, cost * np.where(cost > 0, self._diver.low, self._diver.high)).sum())

    def _neighbours(self, share: float, random: np.random.Generator) -> Indices:
        """Integers of rows that hang together, from a random one on."""
        rows, wanted = self._diver.rows, min(len(self._whole), max(_LEAST, int(share * len(self._whole))))
        chosen = np.zeros(len(self._loose), dtype=bool)
        front = [self._any(random)]
        seen = np.zeros(len(rows.low), dtype=bool)
        seen[-1] = True
        count = 0
        while count < wanted:
            # A part of the program that hangs on nothing else is exhausted: another begins.
            variable = front.pop(int(random.integers(len(front)))) if front else self._any(random)
            own = rows.column_row[rows.column_start[variable] : rows.column_start[variable + 1]]
            own = own[~seen[own]]
            if not len(own):
                count += int(not chosen[variable])
                chosen[variable] = True
                continue
            row = own[random.integers(len(own))]
            seen[row] = True
            members = rows.row_column[rows.row_start[row] : rows.row_start[row + 1]]
            fresh = members[self._loose[members] & ~chosen[members]]
            fresh = random.permutation(fresh)[: wanted - count]
            chosen[fresh] = True
            count += len(fresh)
            front += [variable, *fresh.tolist()]
        return np.flatnonzero(chosen & self._program.integer)

    def _any(self, random: np.random.Generator) -> int:
        return int(self._whole[random.integers(len(self._whole))])

    def _order(self, free: Indices, random: np.random.Generator) -> Indices:
        """Binary variables first, the dearest of them first, more or less."""
        cost = np.abs(self._program.cost[free]) * np.exp(_SPREAD * random.standard_normal(len(free)))
        place = np.where(cost > 0, -cost, random.random(len(free)))
        return free[np.lexsort((place, self._general[free]))]

    def _wish(self, x: Array, random: np.random.Generator) -> Array:
        """(n,) the cheaper bound for what costs; for the rest, what it is, or of binary variables either."""
        cost, low, high = self._program.cost, self._diver.low, self._diver.high
        cheap = np.where(cost > 0, low, high)
        other = np.where(self._general, x, np.where(random.random(len(x)) < 0.5, low, high))
        wish = np.where(cost == 0, other, np.where(random.random(len(x)) < _CHEAP, cheap, x))
        return np.where(np.isfinite(wish), wish, x)


def _quantum(program: Program) -> float:
    """What all objectives are multiples of, but for the offset; 0 where that is not known."""
    cost = program.cost[program.cost != 0]
    if program.integer[program.cost != 0].all() and len(cost) and (cost == np.rint(cost)).all():
        return float(np.gcd.reduce(np.abs(cost).astype(np.int64)))
    return 0.0
