"""Packings, recognised by their rows: binary variables of which no two that share a row may both be 1.

Independent sets and auctions are packings. Which variables exclude each other is all that their rows say, so a search
need not look at rows again.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.structure.columns import ROUNDING, Indices
from becalm_programs.search.structure.onesided import Onesided, onesided

_PAIRS = 2**24
"""Most pairs that rows may exclude: a row of L variables excludes L (L - 1) / 2."""


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """What excludes what.

    Attributes:
        gain: (n,) what a variable that is 1 takes off the cost; -inf for one that must be 0.
        start: (n + 1,) where the neighbours of each begin.
        neighbour: Variables that exclude it, one variable's after another's.
    """

    gain: Array
    start: Indices
    neighbour: Indices


@lru_cache(maxsize=2)
def recognise(program: Program) -> Packing | None:
    """The packing that a program is, or None.

    It is one if all its variables are binary, none must be 1, and in every row, written as ``a . x <= b``, each
    coefficient is positive and fits, and no two fit together; or the row cannot be broken.
    """
    from scipy import sparse

    rows = onesided(program)
    if rows is None or (program.low > 0).any() or not _excludes(rows):
        return None
    length = np.diff(program.rows.indptr)[rows.binds].astype(np.int64)
    if (length * (length - 1)).sum() // 2 > _PAIRS:
        return None
    inside = sparse.csr_array(program.rows[np.flatnonzero(rows.binds)])
    inside.data = np.ones_like(inside.data)
    pairs = sparse.coo_array(inside.T @ inside)
    other = pairs.row != pairs.col
    graph = sparse.csr_array((pairs.data[other], (pairs.row[other], pairs.col[other])), shape=pairs.shape)
    gain = np.where(program.high > 0, -program.cost, -np.inf)
    return Packing(gain, graph.indptr.astype(np.int64), graph.indices.astype(np.int64))


def _excludes(rows: Onesided) -> bool:
    """Whether in each row that can be broken, every entry fits and no two do."""
    here = rows.binds[rows.row]
    row, value = rows.row[here], rows.value[here]
    if (value <= 0).any() or (value > rows.high[row] + ROUNDING).any():
        return False
    order = np.lexsort((value, row))
    row, value = row[order], value[order]
    # The two least of a row come first; a row that binds and whose entries each fit has two.
    first = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if len(row) else np.zeros(0, dtype=np.int64)
    return bool((value[first] + value[first + 1] > rows.high[row[first]] + ROUNDING).all())
