"""The standard form of a program, as networks and guidance see it: binary encoding, rows of unit length, features.

    low <= rows @ p <= high,  minimise cost . p,  |row| = 1,  max |cost| = 1,  p in [0, 1] of each entry

Scaling rows and cost makes a violation and a gradient mean the same in every program, so one strength of guidance fits
all (as the projections of Kaczmarz 1937 do).
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from becalm_programs.problem.arrays import MatrixArrays
from becalm_programs.problem.dual_values import LpSolution, solve_lp
from becalm_programs.problem.encoding import BinaryEncoding
from becalm_programs.problem.program import Program


@dataclass(frozen=True, eq=False)
class StandardForm:
    """One program in tensors, float32.

    Attributes:
        program: The program. encoding: Of its variables as entries.
        matrix: (M, N) sparse CSR; rows of unit length.
        transposed: (N, M) sparse CSR, the same.
        low, high: (M,) bounds of rows, -inf and inf where there is none.
        cost: (N,) of the minimisation, largest size 1 (or all 0).
        reduced_cost: (N,) the same less what dual values take off (see ``becalm_programs.problem.dual_values``).
        group: (N,) number of the set that exactly one entry of is 1, where rows say so; -1 for no set.
        features: (N, FEATURES) of each entry, for networks.
        row_features: (M, ROW_FEATURES) of each row.
    """

    program: Program
    encoding: BinaryEncoding
    matrix: Tensor
    transposed: Tensor
    low: Tensor
    high: Tensor
    cost: Tensor
    reduced_cost: Tensor
    group: Tensor
    features: Tensor
    row_features: Tensor

    @classmethod
    def of(cls, program: Program) -> "StandardForm":
        """The standard form of a program; rows without bounds or entries are left out.

        Raises:
            UserError: If a variable has no finite bounds.
        """
        from scipy import sparse

        encoding = BinaryEncoding.of(program)
        rows = sparse.csr_array(program.rows @ encoding.weights)
        shift = program.rows @ encoding.low
        low, high = program.row_low - shift, program.row_high - shift
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        kept = np.flatnonzero((length > 0) & (np.isfinite(low) | np.isfinite(high)))
        rows, low, high, length = rows[kept], low[kept], high[kept], length[kept]
        group = groups(rows, low, high, encoding.whole)
        scaled = sparse.csr_array(sparse.diags_array(1 / length) @ rows)
        low, high = low / length, high / length
        cost = np.asarray(encoding.weights.T @ program.cost)
        cost = cost / (np.abs(cost).max() or 1.0)
        lp = solve_lp(scaled, low, high, cost)
        features = np.column_stack([_features(scaled, cost, encoding.whole, group), *_lp_features(lp)])
        row_features = np.column_stack([_row_features(scaled, low, high), np.arcsinh(lp.dual_value)])
        return cls(
            program=program,
            encoding=encoding,
            matrix=csr(scaled),
            transposed=csr(scaled.T.tocsr()),
            low=_float(low),
            high=_float(high),
            cost=_float(cost),
            reduced_cost=_float(lp.reduced_cost),
            group=torch.from_numpy(group),
            features=_float(features),
            row_features=_float(row_features),
        )

    @cached_property
    def arrays(self) -> MatrixArrays:
        """``matrix`` by rows and by columns as float32 arrays; no copy is made on a CPU."""
        by_rows, by_columns = (
            (part.crow_indices().cpu().numpy(), part.col_indices().cpu().numpy(), part.values().cpu().numpy())
            for part in (self.matrix, self.transposed)
        )
        return MatrixArrays(*by_rows, *by_columns)


FEATURES = 10
ROW_FEATURES = 8
WHOLE = 5
"""Which feature of an entry says whether it must be 0 or 1."""
LP_VALUE = 7
"""Which feature of an entry is its value in the linear relaxation, about."""
_NEAR = 20.0


def groups(rows: Any, low: np.ndarray, high: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Disjoint sets of entries of which a row says that just one is 1: sum x = 1 over bits, from the first row on."""
    group = np.full(rows.shape[1], -1, dtype=np.int64)
    ones = np.flatnonzero((low == 1) & (high == 1))
    for row in ones:
        start, end = rows.indptr[row : row + 2]
        members = rows.indices[start:end]
        if (rows.data[start:end] == 1).all() and whole[members].all() and (group[members] < 0).all():
            group[members] = row
    return group


def _float(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def csr(matrix: Any) -> Tensor:
    """A scipy matrix as a sparse CSR tensor, float32."""
    with warnings.catch_warnings():
        # torch calls its CSR tensors beta, once per process.
        warnings.filterwarnings("ignore", message="Sparse CSR", category=UserWarning)
        return _csr(matrix)


def _csr(matrix: Any) -> Tensor:
    return torch.sparse_csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.data.astype(np.float32)),
        size=matrix.shape,
        check_invariants=False,
    )


def _features(rows: Any, cost: np.ndarray, whole: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Cost, degree, cost per degree, mean and length of its coefficients, whether whole, whether in a set."""
    degree = np.diff(rows.tocsc().indptr).astype(float)
    total = np.asarray(rows.sum(axis=0)).ravel()
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=0)).ravel())
    count = np.maximum(degree, 1)
    return np.stack([cost, np.log1p(degree), cost / count, total / count, length, whole, group >= 0], 1)


def _lp_features(lp: LpSolution) -> tuple[np.ndarray, ...]:
    """The value of each entry in the relaxation, its reduced cost, and that again where it is near 0."""
    return lp.lp_value, np.clip(lp.reduced_cost, -1, 1), np.tanh(_NEAR * lp.reduced_cost)


def _row_features(rows: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Both bounds and whether they are there, degree, the activity at p = 1/2, whether an equality."""
    degree = np.diff(rows.indptr).astype(float)
    below, above = np.isfinite(low), np.isfinite(high)
    half = 0.5 * np.asarray(rows.sum(axis=1)).ravel()
    scale = np.sqrt(np.maximum(degree, 1))
    return np.stack(
        [
            np.where(below, low, 0) / scale,
            np.where(above, high, 0) / scale,
            below,
            above,
            np.log1p(degree),
            half / scale,
            below & above & (low == high),
        ],
        1,
    )


Relation = StandardForm  # Its name in becalm 0.1.
