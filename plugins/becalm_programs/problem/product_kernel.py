"""Products of a sparse matrix with the rows of a dense one: each nonzero adds a multiple of a row to another.

Four nonzeros at a time, so that the row that is summed up is seldom read and written. Indices have no sign, or each
would be asked for it.
"""

from typing import Any

import numpy as np

from becalm_programs.compiled import wide, wide_part

_ONE, _TWO, _THREE, _FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@wide
def fill(first: Any, end: Any, start: Any, column: Any, value: Any, dense: Any, product: Any) -> None:
    """Rows ``first`` to ``end`` of the product (M, W) of a CSR matrix, all indices uint64, with ``dense`` (N, W)."""
    for row in range(first, end):
        total = product[row]
        for j in range(len(total)):
            total[j] = 0
        gather(start[row], start[row + _ONE], column, value, dense, total)


@wide_part
def gather(first: Any, end: Any, column: Any, value: Any, dense: Any, total: Any) -> None:
    """Adds to ``total`` (W,) the rows of ``dense`` (N, W) that nonzeros ``first`` to ``end`` name, times them."""
    at = first
    while at + _FOUR <= end:
        one, two, three, four = column[at], column[at + _ONE], column[at + _TWO], column[at + _THREE]
        a, b, c, d = value[at], value[at + _ONE], value[at + _TWO], value[at + _THREE]
        for j in range(len(total)):
            total[j] += a * dense[one, j] + b * dense[two, j] + c * dense[three, j] + d * dense[four, j]
        at += _FOUR
    while at < end:
        one, a = column[at], value[at]
        for j in range(len(total)):
            total[j] += a * dense[one, j]
        at += _ONE
