"""Prices of rows: the linear relaxation, roughly solved by first-order steps, in time linear in the nonzeros.

    minimise c . p   subject to   low <= A p <= high,  0 <= p <= 1

    p <- clip(p - tau (c - A' y), 0, 1),   y <- prox(y - sigma A (2 p_new - p_old))

The primal-dual hybrid gradient (Chambolle and Pock 2011) with diagonal steps (Pock and Chambolle 2011), restarted from
its averages (as Applegate et al. 2021). What comes out is what a good price system says of each entry: its reduced
cost c - A' y, and how much of it the relaxation takes. A network that is told this need not find it out for itself,
and costs lowered by what the rows pay are what the objective should pull by.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array

STEPS = 480
_BALANCE = 0.5
"""Steps of prices against steps of entries."""
_RESTARTS = (60, 120, 240)


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """An approximate solution of the relaxation.

    Attributes:
        relaxed: (N,) entries in [0, 1].
        reduced: (N,) reduced costs; below 0 where the relaxation wants more of an entry than there is.
        price: (M,) of rows; above 0 where more activity is worth something, below where less is.
    """

    relaxed: Array
    reduced: Array
    price: Array


def prices(rows: Any, low: Array, high: Array, cost: Array, steps: int = STEPS) -> Prices:
    """The prices of a relation.

    Args:
        rows: (M, N) scipy.sparse.csr_array of rows of unit length.
        low, high: (M,) sides, infinite where there is none.
        cost: (N,) of the minimisation, largest size 1.
    """
    columns = rows.T.tocsr()
    entry_step = 1 / (_BALANCE * _sums(abs(columns)))
    row_step = _BALANCE / _sums(abs(rows))
    p, y = np.full(len(cost), 0.5), np.zeros(len(low))
    sums, count = (np.zeros_like(p), np.zeros_like(y)), 0
    for step in range(1, steps + 1):
        moved = np.clip(p - entry_step * (cost - columns @ y), 0.0, 1.0)
        free = y / row_step - rows @ (2 * moved - p)
        y = row_step * (free + np.clip(-free, low, high))
        p = moved
        sums, count = (sums[0] + p, sums[1] + y), count + 1
        if step in _RESTARTS:
            p, y = sums[0] / count, sums[1] / count
            sums, count = (np.zeros_like(p), np.zeros_like(y)), 0
    relaxed, price = sums[0] / max(count, 1), sums[1] / max(count, 1)
    return Prices(relaxed, cost - columns @ price, price)


def _sums(matrix: Any) -> Array:
    """(rows,) sums, 1 where there is nothing."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return np.where(sums > 0, sums, 1.0)
