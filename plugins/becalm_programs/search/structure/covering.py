"""Coverings, recognised by their rows: binary variables of which every row needs one that is 1."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program
from becalm_programs.search.structure.columns import ROUNDING, Indices
from becalm_programs.search.structure.onesided import Onesided, onesided


@dataclass(frozen=True, slots=True, eq=False)
class Covering:
    """Which variable covers what.

    Attributes:
        cost: (n,) of the minimisation; inf for a variable that must be 0, -inf for one that must be 1.
        begin: (m + 1,) where the variables of each row begin. member: The variables, row after row.
        needs: (m,) which rows need one.
    """

    cost: Array
    begin: Indices
    member: Indices
    needs: Mask


@lru_cache(maxsize=2)
def recognise(program: Program) -> Covering | None:
    """The covering that a program is, or None.

    It is one if all its variables are binary and in every row, written as ``a . x >= b``, each coefficient is at least
    b, and b is positive; or the row cannot be broken.
    """
    rows = onesided(program)
    if rows is None or not rows.binds.any() or not _covers(rows):
        return None
    cost = np.where(program.high <= 0, np.inf, np.where(program.low > 0, -np.inf, program.cost))
    begin, member = program.rows.indptr.astype(np.int64), program.rows.indices.astype(np.int64)
    return Covering(cost, begin, member, rows.binds)


def _covers(rows: Onesided) -> bool:
    """Whether in each row that can be broken, any one entry mends it."""
    here = rows.binds[rows.row]
    row, value = rows.row[here], rows.value[here]
    return bool((rows.high[rows.binds] < 0).all() and (value <= rows.high[row] + ROUNDING).all())
