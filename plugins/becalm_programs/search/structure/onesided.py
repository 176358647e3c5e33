"""The rows of a binary program, all written as at most, for those who look what kind of rows they are."""

from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program
from becalm_programs.search.structure.columns import ROUNDING, Indices


@dataclass(frozen=True, slots=True, eq=False)
class Onesided:
    """Rows ``a . x <= b``.

    Attributes:
        row: (nonzeros,) of each coefficient. value: (nonzeros,) the coefficients, row by row.
        high: (m,) b. binds: (m,) whether a row can be broken.
    """

    row: Indices
    value: Array
    high: Array
    binds: Mask


def onesided(program: Program) -> Onesided | None:
    """The rows, or None if a variable is not binary, or a row can be broken on either side."""
    if not program.binary.all():
        return None
    turn = np.where(np.isfinite(program.row_high), 1.0, -1.0)
    high = np.where(turn > 0, program.row_high, -program.row_low)
    low = np.where(turn > 0, program.row_low, -program.row_high)
    row = np.repeat(np.arange(len(turn)), np.diff(program.rows.indptr))
    value = program.rows.data * turn[row]
    least = np.bincount(row, weights=np.minimum(value, 0.0), minlength=len(turn))
    most = np.bincount(row, weights=np.maximum(value, 0.0), minlength=len(turn))
    if (low > least + ROUNDING).any():
        return None
    return Onesided(row, value, high, most > high + ROUNDING)
