"""A program by its columns: what a change of one variable does to the rows, for many (solution, variable) pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.arrays import MatrixArrays
from becalm_programs.problem.program import Array, Program

Indices = npt.NDArray[np.int64]
ROUNDING = 1e-9
"""Violation of a row that is mere rounding; a thousand times finer than what verification forgives."""
_GAIN = 1e-9
"""What betters the objective by no more than this, as a share of the largest cost, does not."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A program with its matrix by columns and by rows, as plain arrays.

    Attributes:
        start: (n + 1,) where each column begins in ``row`` and ``value``.
        row: (nonzeros,) rows, column by column.
        value: (nonzeros,) coefficients.
    """

    program: Program
    start: Indices
    row: Indices
    value: Array

    @staticmethod
    def of(program: "Program | Columns") -> "Columns":
        """Sorts the coefficients by column, where they are not yet."""
        if isinstance(program, Columns):
            return program
        matrix = program.rows.tocsc()
        return Columns(program, matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data)

    @cached_property
    def degree(self) -> Indices:
        """(n,) in how many rows a variable stands."""
        return np.diff(self.start)

    @cached_property
    def arrays(self) -> MatrixArrays:
        """The matrix by rows and by columns, for compiled loops."""
        return MatrixArrays.of(self.program.rows)

    def entries(self, columns: Indices) -> tuple[Indices, Indices]:
        """Places of the columns' coefficients, one column after another, and to which of the columns each belongs."""
        return ragged(self.start[columns], self.degree[columns])


def ragged(start: Indices, length: Indices) -> tuple[Indices, Indices]:
    """Ranges ``start[i] .. start[i] + length[i]`` one after another, and the i of each place."""
    owner = np.repeat(np.arange(len(start)), length)
    ends = np.cumsum(length)
    places = np.arange(len(owner)) - np.repeat(ends - length, length) + np.repeat(start, length)
    return places, owner


def row_violation(low: Array, high: Array, activity: Array) -> Array:
    """By how much activities leave the bounds of rows, at least 0."""
    return np.asarray(np.maximum(np.maximum(low - activity, activity - high), 0.0))


def least_gain(cost: Array) -> float:
    """What a move must gain to pay."""
    return _GAIN * max(1e-12, float(np.abs(cost[np.isfinite(cost)]).max(initial=0.0)))
