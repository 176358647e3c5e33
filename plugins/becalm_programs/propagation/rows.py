"""A program's rows as plain arrays, as compiled loops take them.

The last row is the objective, so that a bound on it is a row like any other.
"""

from typing import NamedTuple

import numpy as np

from becalm_programs.problem.arrays import Indices, MatrixArrays
from becalm_programs.problem.program import Array, Mask, Program


class Rows(NamedTuple):
    """The arrays; the first six are those of ``MatrixArrays``, float64.

    Attributes:
        low: (m + 1,) bounds of rows; the objective has none until somebody sets one.
        high: (m + 1,) as low.
        integer: (n,) whether a variable must be whole.
    """

    row_start: Indices
    row_column: Indices
    row_value: Array
    column_start: Indices
    column_row: Indices
    column_value: Array
    low: Array
    high: Array
    integer: Mask

    @classmethod
    def of(cls, program: Program) -> "Rows":
        """The rows of a program, rows of whole numbers with bounds that their sums can reach."""
        from scipy import sparse

        matrix = MatrixArrays.of(sparse.vstack([program.rows, sparse.csr_array(program.cost[None])], format="csr"))
        low, high = reachable(program)
        return cls(
            matrix.row_start,
            matrix.row_column,
            matrix.row_value.astype(np.float64),
            matrix.column_start,
            matrix.column_row,
            matrix.column_value.astype(np.float64),
            np.append(low, -np.inf),
            np.append(high, np.inf),
            np.ascontiguousarray(program.integer),
        )


MISS = 1e-9
"""What a search may miss a row by on its way: a thousandth of what verification forgives."""
_GRAIN = 1e-6
"""What a bound may be missed by."""


def reachable(program: Program) -> tuple[Array, Array]:
    """(m,) bounds of rows; those of whole coefficients over integers are moved inwards to multiples of their greatest
    common divisor, as no sum lies between two of these.
    """
    rows, low, high = program.rows, program.row_low.copy(), program.row_high.copy()
    length = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(length)), length)
    plain = (rows.data == np.rint(rows.data)) & (np.abs(rows.data) < 2.0**53) & program.integer[rows.indices]
    whole = (np.bincount(row, ~plain, minlength=len(length)) == 0) & (length > 0)
    if not whole.any():
        return low, high
    places = whole[row]
    starts = np.cumsum(length[whole]) - length[whole]
    divisor = np.gcd.reduceat(np.abs(rows.data[places]).astype(np.int64), starts).astype(np.float64)
    low[whole] = np.ceil((low[whole] - _GRAIN) / divisor) * divisor
    high[whole] = np.floor((high[whole] + _GRAIN) / divisor) * divisor
    return low, high
