"""Repair: from an infeasible binary point to a feasible one, by flips.

In the row that weighs most, the flip that lowers the weighted violation most is made, even if it raises it; where none
lowers it, the weights of all violated rows grow first. After Selman and Kautz's focused search with clause weights, as
in Luteberget and Sartor 2023 (feasibility jump). Nothing is drawn: the same point is always repaired the same way.
"""

import numpy as np

from becalm_programs.problem.program import Array, Program, solutions
from becalm_programs.problem.verify import verify
from becalm_programs.search.moves.flips import Flips
from becalm_programs.search.structure.columns import Columns, Indices

# Flips for which a variable stays as it is once flipped.
_TENURE = 3
# Share of the objective in the choice between flips, against violations in units of a row's largest coefficient.
_COST = 0.01


def repair(program: Program | Columns, x: Array, *, steps: int = 2000) -> Array:
    """Repaired copies of solutions (K, n); what is feasible stays as it is. Only binary variables change.

    What could not be repaired is the least violated point on the way.

    Args:
        x: (K, n) solutions, integer variables whole.
        steps: Flips at most, for each.

    Raises:
        ValueError: If x has another shape.
    """
    columns = Columns.of(program)
    repaired = solutions(columns.program, x).copy()
    for sample in np.flatnonzero(~verify(columns.program, repaired).feasible):
        repaired[sample] = flip_until_feasible(Flips(columns, repaired[sample]), steps)
    return repaired


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
