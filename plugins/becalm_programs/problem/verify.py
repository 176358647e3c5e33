"""Is a solution feasible? Judged on the original rows and bounds; what is not verified is never called feasible.

A row or bound may be missed by 1e-6, absolutely; an integer variable must be whole, exactly. Activities are summed in
floating point with a bound on their error; where that leaves the verdict open, the row is summed again in rational
arithmetic, so the verdict is exact.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.program import Array, Mask, Program, activity, objective, solutions

TOLERANCE = 1e-6
"""By how much a row or bound may be missed."""
_EPSILON = float(np.finfo(np.float64).eps)
# Activities held at a time, so that memory does not grow with the number of solutions.
_CELLS = 2**23


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What verification found about K solutions.

    Attributes:
        objective: (K,) in the original's sense.
        max_violation: (K,) by how much the worst row or bound is missed, absolutely; inf if a value is not finite.
        integral: (K,) whether every integer variable is whole, exactly.
        feasible: (K,) integral, and nothing missed by more than the tolerance.
        worst: Row or variable that is missed most, or the first variable that is not whole; empty if nothing is missed.
    """

    objective: Array
    max_violation: Array
    integral: Mask
    feasible: Mask
    worst: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.objective)


def verify(program: Program, x: npt.ArrayLike) -> Verdict:
    """Judges solutions.

    Args:
        x: (K, n) solutions, as they stand: nothing is rounded here, see ``whole``.

    Raises:
        ValueError: If x has another shape.
    """
    given = solutions(program, x)
    size = max(1, _CELLS // max(1, max(program.rows.shape)))
    with np.errstate(invalid="ignore", over="ignore"):
        value = objective(program, given)
        some = (given[start : start + size] for start in range(0, len(given), size))
        parts = [_verify(program, x, activity(program, x)) for x in some]
    violation, integral, feasible = (
        np.concatenate([np.zeros(0, dtype), *(part[index] for part in parts)])
        for index, dtype in ((0, np.float64), (1, np.bool_), (2, np.bool_))
    )
    worst = tuple(name for part in parts for name in part[3])
    return Verdict(value, violation, integral, feasible, worst)


def whole(program: Program, x: npt.ArrayLike, tolerance: float = 1e-5) -> Array:
    """x (K, n) with integer variables that are within the tolerance of an integer put on it, as solvers' need.

    Raises:
        ValueError: If x has another shape.
    """
    given = solutions(program, x).copy()
    rounded = np.rint(given) + 0.0  # No negative zeros.
    near = program.integer & (np.abs(given - rounded) <= tolerance)
    return np.where(near, rounded, given)


def _verify(program: Program, x: Array, total: Array) -> tuple[Array, Mask, Mask, list[str]]:
    """Violation, integral, feasible and worst of a few solutions, whose rows come to ``total``."""
    size = np.abs(x)
    # Each of the row's products and sums may be off by one rounding of what has been summed so far.
    terms = np.diff(program.rows.indptr) + 2
    row_error = (abs(program.rows) @ size.T).T * terms * _EPSILON
    rows = _misses(total, program.row_low, program.row_high)
    bounds = _misses(x, program.low, program.high)
    for sample, row in zip(*_open(rows, row_error, program.row_low, program.row_high), strict=True):
        start, end = program.rows.indptr[row : row + 2]
        columns = program.rows.indices[start:end]
        exact = _activity(program.rows.data[start:end], x[sample, columns])
        rows[sample, row] = _exact(exact, program.row_low[row], program.row_high[row])
    for sample, column in zip(*_open(bounds, size * _EPSILON, program.low, program.high), strict=True):
        exact = Fraction(x[sample, column])
        bounds[sample, column] = _exact(exact, program.low[column], program.high[column])
    split = program.integer & ((x != np.rint(x)) | ~np.isfinite(x))
    integral = ~split.any(axis=1)
    violation = np.maximum(rows.max(axis=1, initial=0.0), bounds.max(axis=1, initial=0.0))
    feasible = integral & (violation <= TOLERANCE)
    worst = [_worst(program, *parts) for parts in zip(rows, bounds, split, violation, strict=True)]
    return violation, integral, feasible, worst


def _misses(values: Array, low: Array, high: Array) -> Array:
    """By how much each value leaves its bounds, at least 0; inf where it is no number."""
    missed = np.maximum(np.maximum(low - values, values - high), 0.0)
    missed[~np.isfinite(values)] = np.inf
    return missed


def _open(missed: Array, error: Array, low: Array, high: Array) -> tuple[npt.NDArray[np.intp], ...]:
    """Where the error could turn the verdict."""
    sizes = np.where(np.isfinite(low), np.abs(low), 0.0) + np.where(np.isfinite(high), np.abs(high), 0.0)
    return np.nonzero(np.isfinite(missed) & (np.abs(missed - TOLERANCE) <= error + 2 * _EPSILON * (sizes + TOLERANCE)))


def _activity(coefficients: Array, x: Array) -> Fraction:
    pairs = zip(coefficients.tolist(), x.tolist(), strict=True)
    return sum((Fraction(coefficient) * Fraction(value) for coefficient, value in pairs), Fraction(0))


def _exact(value: Fraction, low: float, high: float) -> float:
    """By how much a value leaves its bounds, rounded, but never across the tolerance."""
    misses = [Fraction(0)]
    if np.isfinite(low):
        misses.append(Fraction(low) - value)
    if np.isfinite(high):
        misses.append(value - Fraction(high))
    missed = max(misses)
    rounded = float(missed)
    if missed > Fraction(TOLERANCE):
        return max(rounded, float(np.nextafter(TOLERANCE, 1)))
    return min(rounded, TOLERANCE)


def _worst(program: Program, rows: Array, bounds: Array, split: Mask, violation: float) -> str:
    if violation <= TOLERANCE and split.any():
        return program.names[int(split.argmax())]
    if violation <= 0:
        return ""
    if len(rows) and rows.max() >= violation:
        return program.row_names[int(rows.argmax())]
    return program.names[int(bounds.argmax())]
