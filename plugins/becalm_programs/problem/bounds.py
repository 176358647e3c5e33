"""Bounds that rows imply, for variables that have none of their own: sampling needs a least and a greatest value.

    a_j x_j <= high - min sum_(k != j) a_k x_k    (Savelsbergh 1994, section 1.1)

No solution is lost. Bounds that a program states are left as they are.
"""

from dataclasses import replace

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import StandardForm

_ROUNDS = 10
_GRAIN = 1e-6
"""Relative width by which an implied bound is widened, against rounding; less than one for an integer variable."""


def standard_form(program: Program) -> StandardForm:
    """The standard form of a program whose variables are bounded by their own bounds or by rows; it keeps the program.

    Raises:
        UserError: If a variable has no finite bounds even so.
    """
    return replace(StandardForm.of(with_implied_bounds(program)), program=program)


def with_implied_bounds(program: Program) -> Program:
    """The program with the finite bounds that its rows imply where it has none itself."""
    if np.isfinite(program.low).all() and np.isfinite(program.high).all():
        return program
    low, high = program.low.copy(), program.high.copy()
    for _ in range(_ROUNDS):
        least, greatest = _implied(program, low, high)
        fresh_low = np.isinf(low) & np.isfinite(least)
        fresh_high = np.isinf(high) & np.isfinite(greatest)
        if not (fresh_low.any() or fresh_high.any()):
            break
        low, high = np.where(fresh_low, least, low), np.where(fresh_high, greatest, high)
    # Rows that contradict each other may imply nothing at all; that is for verification to find.
    crossed = low > high
    low = np.where(crossed & np.isinf(program.low), high, low)
    high = np.where(crossed & np.isinf(program.high), low, high)
    return replace(program, low=low, high=high)


def _implied(program: Program, low: Array, high: Array) -> tuple[Array, Array]:
    """(n,) least and greatest values that single rows allow."""
    rows = program.rows
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    column, value = rows.indices, rows.data
    least, greatest = np.full(len(low), -np.inf), np.full(len(low), np.inf)
    # A row's least activity bounds what is under its high bound; with signs turned, the same for the low one.
    for sign, bound in ((1.0, program.row_high), (-1.0, -program.row_low)):
        signed = sign * value
        each = signed * np.where(signed > 0, low[column], high[column])
        open_ = ~np.isfinite(each)
        finite = np.where(open_, 0.0, each)
        total = np.bincount(row, finite, minlength=len(bound))[row]
        others_open = np.bincount(row, open_, minlength=len(bound))[row] - open_
        with np.errstate(invalid="ignore", over="ignore"):
            limit = (
                np.where((others_open == 0) & np.isfinite(bound[row]), bound[row] - (total - finite), np.inf) / signed
            )
        limit = np.where(np.isfinite(limit), limit + np.sign(signed) * _GRAIN * (1 + np.abs(limit)), limit)
        up = (signed > 0) & np.isfinite(limit)
        down = (signed < 0) & np.isfinite(limit)
        np.minimum.at(greatest, column[up], limit[up])
        np.maximum.at(least, column[down], limit[down])
    whole = program.integer
    return np.where(whole, np.ceil(least), least), np.where(whole, np.floor(greatest), greatest)


related = standard_form
"""Its name in becalm_programs 0.1."""
