"""A program by its columns: what a change of one variable does to the rows, for many (solution, variable) pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.arrays import MatrixArrays
from becalm_programs.problem.program import Array, Mask, Program

Indices = npt.NDArray[np.int64]
ROUNDING = 1e-9
"""Violation of a row that is mere rounding; a thousand times finer than what verification forgives."""


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


def slack(columns: Columns, activity: Array, move: "Moves") -> tuple[Array, Array]:
    """How far moves can go before a row is violated, or violated more than it was.

    Args:
        activity: (K, m) of the solutions.

    Returns:
        (P,) slack of each move, in units of its variable; (E,) that of each of its coefficients, in units of the row.
    """
    program = columns.program
    now = activity[move.sample[move.owner], move.row]
    rising = move.slope > 0
    bound = np.where(rising, program.row_high[move.row], program.row_low[move.row])
    gap = np.where(rising, bound - now, now - bound) + ROUNDING
    reach = np.full(len(move.variable), np.inf)
    np.minimum.at(reach, move.owner, np.maximum(gap, 0.0) / np.abs(move.slope))
    return reach, gap


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Candidate moves of one variable each, with the coefficients they meet.

    Attributes:
        sample: (P,) whose move.
        variable: (P,) of which variable.
        sign: (P,) 1 up, -1 down.
        row: (E,) rows met, move after move.
        slope: (E,) what a step of one does to that row.
        owner: (E,) which move.
    """

    sample: Indices
    variable: Indices
    sign: Array
    row: Indices
    slope: Array
    owner: Indices

    @staticmethod
    def of(columns: Columns, sample: Indices, variable: Indices, sign: Array) -> "Moves":
        """Looks the coefficients up."""
        places, owner = columns.entries(variable)
        return Moves(sample, variable, sign, columns.row[places], columns.value[places] * sign[owner], owner)

    def subset(self, kept: Mask) -> "Moves":
        """The moves where ``kept`` (P,) is true."""
        edge = kept[self.owner]
        place = np.cumsum(kept) - 1
        return Moves(
            self.sample[kept],
            self.variable[kept],
            self.sign[kept],
            self.row[edge],
            self.slope[edge],
            place[self.owner[edge]],
        )
