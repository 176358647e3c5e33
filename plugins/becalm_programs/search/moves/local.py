"""1-opt of every kind: moves of one variable, alone or with the variables that hang on it."""

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.moves.exchange import exchange
from becalm_programs.search.moves.insertion import insertion
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.moves.removal import removal
from becalm_programs.search.structure.columns import Columns


def local(program: Program | Columns, x: Array) -> Array:
    """Improved copies of the solutions (K, n): single moves first, then the moves that a program's rows call for.

    Raises:
        ValueError: If x has another shape.
    """
    columns = Columns.of(program)
    x = oneopt(columns, x)
    for moves in (exchange, insertion, removal):
        x = moves(columns, x)
    return x
