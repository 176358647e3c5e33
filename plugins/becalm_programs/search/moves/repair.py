"""Repair: from an infeasible binary point to a feasible one, by flips.

In the row that weighs most, the flip that lowers the weighted violation most is made, even if it raises it; where none
lowers it, the weights of all violated rows grow first. After Selman and Kautz's focused search with clause weights, as
in Luteberget and Sartor 2023 (feasibility jump). Nothing is drawn: the same point is always repaired the same way.
"""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.kernels.flips import Flipped, Rows, rows_of, state_of
from becalm_programs.search.kernels.repair import flip_until_feasible
from becalm_programs.search.structure.columns import Columns


def repair(columns: Columns, x: Array, *, steps: int = 2000) -> Array:
    """Repaired copies of solutions (K, n); what breaks no row stays as it is. Only binary variables change.

    What could not be repaired is the least violated point on the way.

    Args:
        x: (K, n) solutions, integer variables whole.
        steps: Flips at most, for each.
    """
    repaired = np.array(x, dtype=np.float64)
    for sample in range(len(repaired)):
        repaired[sample] = mended(columns.program, rows_of(columns), state_of(columns, repaired[sample]), steps)
    return repaired


def mended(program: Program, rows: Rows, state: Flipped, steps: int) -> Array:
    """(n,) the least violated point, or the first without violation, of at most so many flips on from a solution."""
    best, flipped = np.empty(len(program.cost)), np.empty(len(program.cost), np.int64)
    cost = program.cost / max(1e-12, float(np.abs(program.cost).max()))
    flip_until_feasible(rows, state, cost, flipped, best, steps)
    return best
