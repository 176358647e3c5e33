"""Dual values of rows: the linear relaxation, roughly solved by first-order steps, in time linear in the nonzeros.

    minimise c . p   subject to   low <= A p <= high,  0 <= p <= 1

    p <- clip(p - tau (c - A' y), 0, 1),   y <- prox(y - sigma A (2 p_new - p_old))

The primal-dual hybrid gradient (Chambolle and Pock 2011) with diagonal steps (Pock and Chambolle 2011), restarted from
its averages (as Applegate et al. 2021). What comes out is what good dual values say of each entry: its reduced cost
c - A' y, and its value in the relaxation. A network that has these as features need not find them out for itself, and
the objective should weigh by reduced costs, not by costs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array

STEPS = 480
_BALANCE = 0.5
"""Steps of dual values against steps of entries."""
_RESTARTS = (60, 120, 240)


@dataclass(frozen=True, slots=True, eq=False)
class LpSolution:
    """An approximate solution of the relaxation.

    Attributes:
        lp_value: (N,) entries in [0, 1].
        reduced_cost: (N,) below 0 where the relaxation wants more of an entry than there is.
        dual_value: (M,) of rows; above 0 where more activity is worth something, below where less is.
    """

    lp_value: Array
    reduced_cost: Array
    dual_value: Array


def solve_lp(rows: Any, low: Array, high: Array, cost: Array) -> LpSolution:
    """The relaxation of a standard form.

    Args:
        rows: (M, N) scipy.sparse.csr_array of rows of unit length.
        low, high: (M,) bounds of rows, infinite where there is none.
        cost: (N,) of the minimisation, largest size 1.
    """
    columns = rows.T.tocsr()
    entry_step = 1 / (_BALANCE * _sums(abs(columns)))
    row_step = _BALANCE / _sums(abs(rows))
    p, y = np.full(len(cost), 0.5), np.zeros(len(low))
    sums, count = (np.zeros_like(p), np.zeros_like(y)), 0
    for step in range(1, STEPS + 1):
        moved = np.clip(p - entry_step * (cost - columns @ y), 0.0, 1.0)
        free = y / row_step - rows @ (2 * moved - p)
        y = row_step * (free + np.clip(-free, low, high))
        p = moved
        sums, count = (sums[0] + p, sums[1] + y), count + 1
        if step in _RESTARTS:
            p, y = sums[0] / count, sums[1] / count
            sums, count = (np.zeros_like(p), np.zeros_like(y)), 0
    p, y = sums[0] / max(count, 1), sums[1] / max(count, 1)
    return LpSolution(p, cost - columns @ y, y)


def _sums(matrix: Any) -> Array:
    """(rows,) sums, 1 where there is nothing."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return np.where(sums > 0, sums, 1.0)
