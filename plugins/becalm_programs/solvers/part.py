"""A part of a program: some variables are free, the rest stand where they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The numbers of what is left of a program when variables are fixed; rows without free variables are dropped.

    Attributes:
        cost: (f,) of the free variables.
        rows: (r, f) of the rows that have any.
        row_low: (r,) bounds, less what the fixed variables bring.
        row_high: (r,) as row_low.
        low: (f,) bounds.
        high: (f,) bounds.
        integer: (f,) whether a variable must be whole.
        free: (f,) places of the free variables in the program.
    """

    cost: Array
    rows: Any
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Mask
    free: Any


def part(program: Program, x: Array, free: Mask, cost: Array | None = None) -> Part:
    """The part of a program in the free variables, the others as in x.

    Args:
        x: (n,) values; those of free variables are not looked at.
        free: (n,) which variables are free.
        cost: (n,) in place of the program's, if another objective is wanted.
    """
    places = np.flatnonzero(free)
    held = np.where(free, 0.0, x)
    columns = program.rows[:, places]
    kept = np.flatnonzero(np.diff(columns.indptr))
    brought = (program.rows @ held)[kept]
    costs = program.cost if cost is None else cost
    return Part(
        cost=costs[places],
        rows=columns[kept],
        row_low=program.row_low[kept] - brought,
        row_high=program.row_high[kept] - brought,
        low=program.low[places],
        high=program.high[places],
        integer=program.integer[places],
        free=places,
    )
