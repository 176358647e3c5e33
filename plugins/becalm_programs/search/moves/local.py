"""1-opt of every kind: moves of one variable, alone or with the variables that hang on it."""

from collections.abc import Callable, Iterable

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.moves.exchange import exchange
from becalm_programs.search.moves.insertion import insertion
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.moves.removal import removal
from becalm_programs.search.structure.columns import Columns


def local(columns: Columns, x: Array) -> Array:
    """Improved copies of solutions (K, n): single moves first, then the moves that a program's rows call for."""
    moves = exchange(columns), insertion(columns), removal(columns)
    return improve_each(columns.program, oneopt(columns, x), moves)


def improve_each(program: Program, x: Array, moves: Iterable[Callable[[Array], Array] | None]) -> Array:
    """Copies of solutions (K, n), those that are feasible improved by one kind of moves after another.

    Args:
        moves: Of a feasible solution (n,) each makes one that is no worse; None is a kind that rows do not call for.

    Raises:
        ValueError: If x has another shape.
    """
    improved, called = x.copy(), [move for move in moves if move is not None]
    if called:
        for sample in np.flatnonzero(verify(program, x).feasible):
            for move in called:
                improved[sample] = move(improved[sample])
    return improved
