"""A sparse matrix by rows and by columns as plain arrays, which compiled loops go through."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixArrays:
    """An (m, n) matrix twice: compressed by rows and by columns.

    Attributes:
        row_start: (m + 1,) where each row begins in ``row_column`` and ``row_value``.
        row_column: (nonzeros,) columns, row by row. row_value: (nonzeros,) coefficients, row by row.
        column_start: (n + 1,) where each column begins in ``column_row`` and ``column_value``.
        column_row: (nonzeros,) rows, column by column. column_value: (nonzeros,) coefficients, column by column.
    """

    row_start: Indices
    row_column: Indices
    row_value: Values
    column_start: Indices
    column_row: Indices
    column_value: Values

    @classmethod
    def of(cls, matrix: Any) -> "MatrixArrays":
        """The arrays of a scipy.sparse matrix; coefficients keep their dtype."""
        rows, columns = matrix.tocsr(), matrix.tocsc()
        return cls(*_compressed(rows), *_compressed(columns))


def _compressed(matrix: Any) -> tuple[Indices, Indices, Values]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data
