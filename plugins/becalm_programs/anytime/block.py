"""Blocks of variables that are drawn anew: of rows that hang together, random ones, or where two solutions differ."""

import numpy as np

from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.structure.columns import Columns

_TRIES = 4
"""Rows that are looked at, for each variable of a block."""


def connected(columns: Columns, count: int, random: np.random.Generator) -> Mask:
    """(n,) about ``count`` variables: those of a random row, then of one that some of them stand in, and so on."""
    from becalm_programs.anytime.grow import grow

    matrix, size = columns.arrays, len(columns.degree)
    chosen = np.zeros(size, dtype=bool)
    by_rows = matrix.row_start, matrix.row_column, matrix.column_start, matrix.column_row
    grow(*by_rows, random.random(3 * _TRIES * count + 30), count, chosen, np.zeros(size + 1, np.int64))
    return chosen


def scattered(columns: Columns, count: int, random: np.random.Generator) -> Mask:
    """(n,) ``count`` random variables."""
    chosen = np.zeros(len(columns.degree), dtype=bool)
    chosen[random.choice(len(chosen), min(count, len(chosen)), replace=False)] = True
    return chosen


def between(x: Array, other: Array, columns: Columns, count: int, random: np.random.Generator) -> Mask:
    """(n,) variables in which two solutions differ, and random ones up to ``count`` (crossover, Rothberg 2007)."""
    differ = x != other
    more = count - int(differ.sum())
    return np.asarray(differ | scattered(columns, more, random)) if more > 0 else differ
