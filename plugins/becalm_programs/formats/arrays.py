"""Programs from plain arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.program import Program, numbered

Values = npt.ArrayLike


def from_arrays(
    cost: Values,
    rows: Any,
    row_low: Values | None = None,
    row_high: Values | None = None,
    *,
    low: Values = 0.0,
    high: Values = 1.0,
    integer: Values = True,
    names: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
    offset: float = 0.0,
    maximise: bool = False,
    name: str = "",
) -> Program:
    """A program from arrays in the original's sense; binary unless said otherwise.

    Args:
        cost: (n,) of the objective as it stands: what is to be made small, or large if ``maximise``.
        rows: (m, n), dense or of scipy.sparse.
        row_low: (m,) or one number; None means none.
        row_high: Likewise.
        low: (n,) or one number for all variables.
        high: Likewise.
        integer: (n,) or one truth value for all.
        names: Of the variables; default ``x0``, ``x1``, ...
        row_names: Of the rows; default ``r0``, ``r1``, ...
        offset: Constant part of the objective as it stands.

    Raises:
        UserError: If the arrays make no program; see ``Program``.
    """
    from scipy import sparse

    matrix = sparse.csr_array(rows, dtype=np.float64)
    count, size = matrix.shape
    sign = -1.0 if maximise else 1.0
    return Program(
        cost=_spread(cost, size) * sign + 0.0,
        rows=matrix,
        row_low=_spread(-np.inf if row_low is None else row_low, count),
        row_high=_spread(np.inf if row_high is None else row_high, count),
        low=_spread(low, size),
        high=_spread(high, size),
        integer=np.full(size, integer) if np.ndim(integer) == 0 else np.asarray(integer, dtype=np.bool_),
        names=numbered("x", size) if names is None else tuple(names),
        row_names=numbered("r", count) if row_names is None else tuple(row_names),
        offset=sign * offset + 0.0,
        maximise=maximise,
        name=name,
    )


def _spread(values: Values, length: int) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return np.full(length, array) if array.ndim == 0 else array
