"""Flips until rows hold, and greedy covering before, with numpy: what the compiled loops are held to."""

import numpy as np

from becalm_programs.problem.program import Array
from becalm_programs.search.moves.flips import Flips
from becalm_programs.search.structure.columns import Columns, Indices

# Flips for which a variable stays as it is once flipped.
_TENURE = 3
# Share of the objective in the choice between flips, against violations in units of a row's largest coefficient.
_COST = 0.01


def cover(columns: Columns, x: Array, cost: Array, steps: int) -> Array:
    """(n,) where no flip lowers the violation, or nothing is violated; then repaired if need be."""
    state = Flips(columns, x)
    floor = 1e-6 * max(1e-12, float(np.abs(cost).max()))
    for _ in range(4 * len(cost)):
        if not len(state.broken()):
            return state.x
        less = -state.change
        price = np.maximum(cost * (1.0 - 2.0 * state.x), floor) / np.where(less > 1e-9, less, np.nan)
        if np.isnan(price).all():
            break
        state.flip(int(np.nanargmin(price)))
    return flip_until_feasible(state, steps)


def flip_until_feasible(state: Flips, steps: int) -> Array:
    """Flips until no row is violated; (n,) the best point on the way."""
    program = state.program
    cost = program.cost / max(1e-12, float(np.abs(program.cost).max()))
    best, least = state.x.copy(), float((state.violation * state.scale).sum())
    flipped = np.full(len(state.x), -_TENURE - 1)
    for step in range(steps):
        broken = state.broken()
        if not len(broken):
            return state.x
        if not _flip(state, broken, cost, flipped, step):
            break
        total = float((state.violation * state.scale).sum())
        if total < least:
            best, least = state.x.copy(), total
    return best


def _flip(state: Flips, broken: Indices, cost: Array, flipped: Indices, step: int) -> bool:
    """One flip, in the heaviest row that has any to make; False if none has."""
    heavy = state.violation[broken] * state.weight[broken] * state.scale[broken]
    for row in broken[np.argsort(-heavy, kind="stable")]:
        members = state.members(row)
        members = members[step - flipped[members] > _TENURE]
        if not len(members):
            continue
        score = state.change[members] + _COST * cost[members] * (1.0 - 2.0 * state.x[members])
        chosen = int(members[int(score.argmin())])
        if state.change[chosen] >= 0:
            state.press(broken)
        state.flip(chosen)
        flipped[chosen] = step
        return True
    # All are held back by the tenure.
    flipped[:] = -_TENURE - 1
    return any(len(state.members(row)) for row in broken)
