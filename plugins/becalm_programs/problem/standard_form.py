"""A program as networks and guidance see it: entries p in [0, 1], rows of unit length, and what is typical of each.

    low <= rows @ p <= high,  minimise cost . p,  |row| = 1,  max |cost| = 1

Scaling rows and cost makes a violation and a gradient mean the same in every program, so one strength of guidance fits
all (as the projections of Kaczmarz 1937 do).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from becalm_programs.problem.dual_values import Prices, prices
from becalm_programs.problem.encoding import Bits
from becalm_programs.problem.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One program in tensors, float32.

    Attributes:
        program: The program. bits: Its encoding.
        matrix: (M, N) sparse CSR; rows of unit length.
        transposed: (N, M) sparse CSR, the same.
        low, high: (M,) sides, -inf and inf where there is none.
        cost: (N,) of the minimisation, largest size 1 (or all 0).
        reduced: (N,) the same less what rows pay for the entry (see ``becalm_programs.problem.dual_values``).
        group: (N,) number of the set that exactly one entry of is 1, where rows say so; -1 for no set.
        entries: (N, FEATURES) what a network is told of each entry.
        sides: (M, SIDES) what it is told of each row.
    """

    program: Program
    bits: Bits
    matrix: Tensor
    transposed: Tensor
    low: Tensor
    high: Tensor
    cost: Tensor
    reduced: Tensor
    group: Tensor
    entries: Tensor
    sides: Tensor

    @classmethod
    def of(cls, program: Program) -> "Relation":
        """The relation of a program; rows without sides or entries are left out.

        Raises:
            UserError: If a variable has no finite bounds.
        """
        from scipy import sparse

        bits = Bits.of(program)
        rows = sparse.csr_array(program.rows @ bits.weights)
        shift = program.rows @ bits.low
        low, high = program.row_low - shift, program.row_high - shift
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        kept = np.flatnonzero((length > 0) & (np.isfinite(low) | np.isfinite(high)))
        rows, low, high, length = rows[kept], low[kept], high[kept], length[kept]
        group = groups(rows, low, high, bits.whole)
        scaled = sparse.csr_array(sparse.diags_array(1 / length) @ rows)
        low, high = low / length, high / length
        cost = np.asarray(bits.weights.T @ program.cost)
        cost = cost / (np.abs(cost).max() or 1.0)
        found = prices(scaled, low, high, cost)
        told = np.column_stack([_entries(scaled, cost, bits.whole, group), *_priced(found)])
        sides = np.column_stack([_sides(scaled, low, high), np.arcsinh(found.price)])
        made = (low, high, cost, found.reduced, told, sides)
        floats = (torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in made)
        made_low, made_high, made_cost, made_reduced, made_told, made_sides = floats
        return cls(
            program,
            bits,
            csr(scaled),
            csr(scaled.T.tocsr()),
            made_low,
            made_high,
            made_cost,
            made_reduced,
            torch.from_numpy(group),
            made_told,
            made_sides,
        )


FEATURES = 10
SIDES = 8
WHOLE = 5
"""Which feature of an entry says whether it must be 0 or 1."""
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


def _entries(rows: Any, cost: np.ndarray, whole: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Cost, degree, cost per degree, the pull of its rows, whether whole, whether in a set."""
    degree = np.diff(rows.tocsc().indptr).astype(float)
    pull = np.asarray(rows.sum(axis=0)).ravel()
    weight = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=0)).ravel())
    return np.stack(
        [cost, np.log1p(degree), cost / np.maximum(degree, 1), pull / np.maximum(degree, 1), weight, whole, group >= 0],
        1,
    )


def _priced(found: Prices) -> tuple[np.ndarray, ...]:
    """What the relaxation takes of each entry, its reduced cost, and that again where it is near 0."""
    return found.relaxed, np.clip(found.reduced, -1, 1), np.tanh(_NEAR * found.reduced)


def _sides(rows: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Both sides and whether they are there, degree, the activity at p = 1/2, whether an equality."""
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
