"""Small changes of solutions found so far, as they are: what lies beside a good solution is often as good.

A variable is flipped, and where that breaks rows another one that mends them all; or a few variables, at random, take
another value. Nothing is improved after: that would lead back.
"""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.problem.program import Array
from becalm_programs.search.moves.flips import Flips

_TRIES = 8
"""Variables that are flipped in one solution, one after another."""


def prepare(instance: Instance) -> Draw | None:
    """Fits where an integer variable has several values; needs a solution to start from."""
    program = instance.program
    binary = np.flatnonzero(program.binary & (program.low < program.high))
    loose = np.flatnonzero(program.integer & (program.low < program.high))
    if not len(loose):
        return None

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        found: list[Array] = []
        for turn in range(count):
            base = instance.pool.member(int(random.integers(len(instance.pool))))
            if turn % 2 and len(binary):
                found += _swaps(instance, base, random.choice(binary, _TRIES), random)
            else:
                # Mostly one or two, sometimes many: k more or above with chance 1 / (1 + k).
                more = min(int(random.pareto(1.0)), len(loose))
                found.append(_changed(instance, base, random.choice(loose, 1 + more), random))
        return instance.finish(np.array(found).reshape(-1, len(program.cost)))

    return draw


def _changed(instance: Instance, base: Array, chosen: np.ndarray, random: np.random.Generator) -> Array:
    """Some variables at other values, one step off where they have many."""
    x, program = base.copy(), instance.program
    for variable in chosen:
        step = 1.0 if x[variable] <= program.low[variable] else -1.0
        if program.low[variable] < x[variable] < program.high[variable]:
            step = random.choice([-1.0, 1.0])
        x[variable] += step
    return x


def _swaps(instance: Instance, base: Array, tried: np.ndarray, random: np.random.Generator) -> list[Array]:
    """A variable flipped, of those tried, with one that mends what breaks, if any breaks."""
    state, found = Flips(instance.columns, base), list[Array]()
    for variable in tried.tolist():
        state.flip(variable)
        broken = state.broken()
        if not len(broken):
            found.append(state.x.copy())
        else:
            missed = float((state.violation * state.weight * state.scale).sum())
            members = np.unique(np.concatenate([state.members(row) for row in broken]))
            mending = members[(state.change[members] <= 1e-9 - missed) & (members != variable)]
            for other in random.permutation(mending)[:2].tolist():
                swapped = state.x.copy()
                swapped[other] = 1.0 - swapped[other]
                found.append(swapped)
        state.flip(variable)
    return found
