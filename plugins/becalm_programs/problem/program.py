"""A mixed-integer linear program in canonical form, sparse, always a minimisation inside.

    minimise cost . x + offset    subject to    row_low <= rows @ x <= row_high,  low <= x <= high,  x[integer] whole

A program that was a maximisation is held with its cost and offset negated and says so; ``objective`` reports in the
original's sense. A bound of 1e20 or more counts as infinite, as solvers have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Sparse = Any  # scipy ships no type hints: a scipy.sparse.csr_array of float64.

Value = TypeVar("Value", float, Array)

INFINITE = 1e20
"""Bounds from here on are infinite."""
# A bound written as 2.9999999999 means 3; a thousand times finer than what verification forgives.
_GRAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Counts:
    """How large a program is and of what kinds.

    Attributes:
        binary: Integer variables within 0 and 1.
        integer: The other integer variables.
        equal: Rows whose two bounds are one number.
        ranged: Rows with two different finite bounds.
        free: Rows with no finite bound.
    """

    variables: int
    rows: int
    nonzeros: int
    binary: int
    integer: int
    continuous: int
    equal: int
    ranged: int
    free: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Program:
    """A program of n variables and m rows; arrays are copied, cast and checked when it is made.

    Attributes:
        cost: (n,) of the minimisation.
        rows: (m, n) coefficients; without explicit zeros, columns in order.
        row_low: (m,) least activity of each row, -inf where there is none.
        row_high: (m,) greatest activity of each row, inf where there is none.
        low: (n,) least value of each variable; that of an integer variable is whole (rounded inwards).
        high: (n,) greatest value.
        integer: (n,) whether a variable must be whole.
        names: Of the variables, all different.
        row_names: Of the rows, all different.
        offset: Constant part of the minimisation's objective.
        maximise: Whether the original is a maximisation: its objective is the negative of the one held here.
        name: What the program is called; may be empty.

    Raises:
        UserError: If shapes differ, a number is not finite where it must be, low is above high, an integer variable
            has no integer between its bounds, or names repeat.
    """

    cost: Array
    rows: Sparse
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Mask
    names: tuple[str, ...]
    row_names: tuple[str, ...]
    offset: float = 0.0
    maximise: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        rows = _sparse(self.rows)
        count, size = rows.shape
        if size == 0:
            raise UserError("a program must have at least one variable, got none")
        _set(self, "rows", rows)
        for field, length, infinite in (
            ("cost", size, False),
            ("low", size, True),
            ("high", size, True),
            ("row_low", count, True),
            ("row_high", count, True),
        ):
            _set(self, field, _vector(field, getattr(self, field), length, infinite))
        integer = np.array(self.integer)
        if integer.shape != (size,) or integer.dtype != np.bool_:
            raise UserError(
                f"integer must be {size} truth values, got an array of shape {integer.shape}, {integer.dtype}"
            )
        _set(self, "integer", integer)
        for field, length in (("names", size), ("row_names", count)):
            _set(self, field, _names(field, getattr(self, field), length))
        offset = float(self.offset)
        if not np.isfinite(offset):
            raise UserError(f"offset must be finite, got {offset}")
        _set(self, "offset", offset)
        _set(self, "maximise", bool(self.maximise))
        _ordered("row", self.row_names, self.row_low, self.row_high)
        _ordered("variable", self.names, self.low, self.high)
        _round_bounds(self)

    def __repr__(self) -> str:
        size = f"{len(self.cost)} variables, {len(self.row_low)} rows, {self.nonzeros} nonzeros"
        return f"Program({self.name!r}, {size})"

    @property
    def nonzeros(self) -> int:
        """Coefficients of the rows that are not zero."""
        return int(self.rows.nnz)

    @property
    def binary(self) -> Mask:
        """(n,) integer variables within 0 and 1."""
        return np.asarray(self.integer & (self.low >= 0) & (self.high <= 1))

    @property
    def counts(self) -> Counts:
        """Sizes and kinds."""
        below, above = np.isfinite(self.row_low), np.isfinite(self.row_high)
        equal = below & (self.row_low == self.row_high)
        binary, integer = int(self.binary.sum()), int(self.integer.sum())
        return Counts(
            variables=len(self.cost),
            rows=len(self.row_low),
            nonzeros=self.nonzeros,
            binary=binary,
            integer=integer - binary,
            continuous=len(self.cost) - integer,
            equal=int(equal.sum()),
            ranged=int((below & above & ~equal).sum()),
            free=int((~below & ~above).sum()),
        )


def activity(program: Program, x: npt.ArrayLike) -> Array:
    """What each row comes to, (K, m).

    Args:
        x: (K, n) solutions.

    Raises:
        ValueError: If x has another shape.
    """
    return np.ascontiguousarray((program.rows @ solutions(program, x).T).T)


def objective(program: Program, x: npt.ArrayLike) -> Array:
    """Objective of each solution in the original's sense, (K,).

    Args:
        x: (K, n) solutions.

    Raises:
        ValueError: If x has another shape.
    """
    return np.asarray(in_original_sense(program, solutions(program, x) @ program.cost))


def in_original_sense(program: Program, value: Value) -> Value:
    """The objective in the original's sense of ``cost . x``, a number or an array."""
    value = value + program.offset
    # 0.0 - value and not -value, which makes a zero negative.
    return 0.0 - value if program.maximise else value


def solutions(program: Program, x: npt.ArrayLike) -> Array:
    """x as (K, n) float64.

    Raises:
        ValueError: If x has another shape.
    """
    array = np.asarray(x, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != len(program.cost):
        raise ValueError(f"x must have shape (K, {len(program.cost)}), got {array.shape}")
    return array


def numbered(letter: str, count: int) -> tuple[str, ...]:
    """Names for what has none: ``x0``, ``x1``, and so on."""
    return tuple(f"{letter}{index}" for index in range(count))


def _set(program: Program, field: str, value: object) -> None:
    object.__setattr__(program, field, value)


def _sparse(rows: Any) -> Any:
    from scipy import sparse

    try:
        matrix = sparse.csr_array(rows, dtype=np.float64, copy=True)
    except (TypeError, ValueError) as error:
        raise UserError(f"rows must be a matrix of numbers: {error}") from error
    if matrix.ndim != 2:
        raise UserError(f"rows must be a matrix, got {matrix.ndim} dimensions")
    matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        wrong = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
        row = int(np.searchsorted(matrix.indptr, wrong, side="right")) - 1
        raise UserError(
            f"coefficients must be finite, got {matrix.data[wrong]} in row {row}, column {matrix.indices[wrong]}"
        )
    matrix.eliminate_zeros()
    return matrix


def _vector(field: str, values: npt.ArrayLike, length: int, infinite: bool) -> Array:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{field} must be numbers: {error}") from error
    if array.shape != (length,):
        raise UserError(f"{field} must have shape ({length},), got {array.shape}")
    wrong = np.flatnonzero(np.isnan(array) if infinite else ~np.isfinite(array))
    if len(wrong):
        raise UserError(f"{field} must be finite numbers, got {array[wrong[0]]} at {wrong[0]}")
    if infinite:
        array[array >= INFINITE] = np.inf
        array[array <= -INFINITE] = -np.inf
    return array


def _names(field: str, names: Sequence[str], length: int) -> tuple[str, ...]:
    texts = tuple(str(name) for name in names)
    if len(texts) != length:
        raise UserError(f"{field} must be {length} names, got {len(texts)}")
    if len(set(texts)) != length:
        seen: set[str] = set()
        double = next(name for name in texts if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UserError(f"{field} must all be different, got {double!r} twice")
    return texts


def _ordered(what: str, names: Sequence[str], low: Array, high: Array) -> None:
    """Raises if nothing lies between low and high."""
    wrong = np.flatnonzero((low > high) | (low == np.inf) | (high == -np.inf))
    if len(wrong):
        first = wrong[0]
        raise UserError(
            f"{what} {names[first]!r} has nothing between its least value {low[first]:g} and its greatest "
            f"{high[first]:g}: the program is infeasible as it stands"
        )


def _round_bounds(program: Program) -> None:
    """Makes the bounds of integer variables whole, inwards, in place."""
    low, high, integer = program.low, program.high, program.integer
    before = low.copy(), high.copy()
    low[integer] = np.ceil(low[integer] - _GRAIN) + 0.0
    high[integer] = np.floor(high[integer] + _GRAIN) + 0.0
    wrong = np.flatnonzero(low > high)
    if len(wrong):
        first = wrong[0]
        raise UserError(
            f"integer variable {program.names[first]!r} has no integer between its bounds {before[0][first]:g} and "
            f"{before[1][first]:g}: the program is infeasible as it stands"
        )
