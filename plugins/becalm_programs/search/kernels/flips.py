"""Flips of binary variables of one solution, and what every flip would do to the violation, kept up to date."""

from becalm_programs.compiled import part
from becalm_programs.problem.arrays import Indices, Values
from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.structure.columns import ROUNDING

Rows = tuple[Indices, Indices, Values, Indices, Indices, Values, Array, Array, Array, Mask]
"""The rows of a program.

    column, begin, value    variables and coefficients, row after row; (m + 1,) where each row begins
    start, row, own         (n + 1,) where each variable begins; rows and coefficients, variable after variable
    low, high, scale        (m,) bounds, and one over the largest coefficient
    binary                  (n,) what may be flipped
"""
Flipped = tuple[Array, Array, Array, Array, Array, Indices]
"""A solution.

    x           (n,)
    activity    (m,) of the rows
    violation   (m,) at least 0; what is mere rounding counts as 0
    change      (n,) what a flip would add to the violation, each row's in units of its largest coefficient
    share       (nonzeros,) what each coefficient adds to that, row after row
    broken      (1,) how many rows are violated
"""


@part
def refresh_all(rows: Rows, state: Flipped) -> None:
    """Looks at all rows, where ``violation``, ``change``, ``share`` and ``broken`` are 0."""
    _, activity, _, _, _, _ = state
    for number in range(len(activity)):
        refresh(rows, state, number)


@part
def flip(rows: Rows, state: Flipped, variable: int) -> None:
    """Flips a variable."""
    _, _, _, start, row, own, _, _, _, _ = rows
    x, activity, _, _, _, _ = state
    step = 1.0 - 2.0 * x[variable]
    x[variable] += step
    for place in range(start[variable], start[variable + 1]):
        activity[row[place]] += step * own[place]
        refresh(rows, state, row[place])


@part
def refresh(rows: Rows, state: Flipped, number: int) -> None:
    """Looks at a row anew, and at what flips of its variables would do to it."""
    column, begin, value, _, _, _, low, high, scale, binary = rows
    x, activity, violation, change, share, broken = state
    now, least, most = activity[number], low[number], high[number]
    before = violation[number]
    missed = _missed(now, least, most)
    violation[number] = missed
    broken[0] += (missed > 0) - (before > 0)
    for place in range(begin[number], begin[number + 1]):
        variable = column[place]
        if binary[variable]:
            after = now + value[place] * (1.0 - 2.0 * x[variable])
            adds = (_missed(after, least, most) - missed) * scale[number]
            change[variable] += adds - share[place]
            share[place] = adds


@part
def _missed(activity: float, low: float, high: float) -> float:
    missed = max(max(low - activity, activity - high), 0.0)
    return missed if missed > ROUNDING else 0.0
