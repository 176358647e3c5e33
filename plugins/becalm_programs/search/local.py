"""1-opt of every kind: moves of one variable, alone or with the variables that hang on it."""

from becalm_programs.program import Array, Program
from becalm_programs.search.columns import Columns
from becalm_programs.search.exchange import exchange
from becalm_programs.search.insertion import insertion
from becalm_programs.search.oneopt import oneopt
from becalm_programs.search.removal import removal


def local(program: Program | Columns, x: Array) -> Array:
    """Improved copies of the solutions (K, n): single moves first, then the moves that a program's rows call for.

    Raises:
        ValueError: If x has another shape.
    """
    columns = program if isinstance(program, Columns) else Columns.of(program)
    x = oneopt(columns, x)
    for moves in (exchange, insertion, removal):
        x = moves(columns, x)
    return x
