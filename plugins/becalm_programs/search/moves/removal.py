"""1-opt where rows say that at least one of a set is 1: there a variable gets out only if others take its place.

    removal     a variable goes to 0; the rows that only it covered get others, that which covers most for its cost
                first; then what is not needed any more goes to 0, the dearest first

A removal is kept if the whole of it betters the objective, else taken back; where none pays, the solution is done.
These are the steps of Jacobs and Brusco 1995 with one variable at a time, each in turn where they draw some: nothing is
drawn here, and a solution is improved for itself.
"""

from collections.abc import Callable

import numpy as np

from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.removal import Room, remove_all
from becalm_programs.search.structure.columns import Columns, least_gain
from becalm_programs.search.structure.covering import Covering, recognise

_NEEDS_NONE = 2**30
"""By how many a row is covered that needs none."""


def removal(columns: Columns, *, tries: int = 20_000) -> Callable[[Array], Array] | None:
    """The moves of a program; None if it is no covering.

    Args:
        tries: Most removals tried on each solution.
    """
    covering = recognise(columns.program)
    if covering is None:
        return None

    def improve(solution: Array) -> Array:
        inside, order = solution > 0, np.argsort(-covering.cost, kind="stable")
        cover = covering.begin, covering.member, columns.start, columns.row, covering.cost, order
        remove_all(cover, inside, _room(covering), least_gain(covering.cost), tries)
        return inside.astype(np.float64)

    return improve


def _room(covering: Covering) -> Room:
    size, rows = len(covering.cost), len(covering.needs)
    return (
        np.where(covering.needs, 0, _NEEDS_NONE),
        np.zeros(size, np.int64),
        np.zeros(size + 1, np.int64),
        np.zeros(size + rows + 1, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size + 1, np.int64),
        np.zeros(size, np.int64),
        np.zeros(rows, np.bool_),
    )
