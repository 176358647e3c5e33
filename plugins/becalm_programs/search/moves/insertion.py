"""1-opt where rows say that at most one of a set is 1: there a variable gets in only if others make room.

    insertion   a variable goes to 1 and those that exclude it to 0; then, as long as that pays, so does what the
                places left admit, the best first

An insertion is kept if the whole of it betters the objective, else taken back; where no variable's insertion pays, the
solution is done. These are the swaps of Nogueira et al. 2018, tried from each variable in turn where they draw one:
nothing is drawn here, and a solution is improved for itself.
"""

from collections.abc import Callable

import numpy as np

from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.insertion import Log, insert_all
from becalm_programs.search.structure.columns import Columns, least_gain
from becalm_programs.search.structure.packing import recognise


def insertion(columns: Columns, *, tries: int = 20_000) -> Callable[[Array], Array] | None:
    """The moves of a program; None if it is no packing.

    Args:
        tries: Most insertions tried on each solution.
    """
    packing = recognise(columns.program)
    if packing is None:
        return None

    def improve(solution: Array) -> Array:
        inside, gain = solution > 0, packing.gain
        size = len(gain)
        packed = packing.start, packing.neighbour, gain, np.zeros(size), inside
        insert_all(packed, _log(size), np.zeros(size, np.int64), np.zeros(size), least_gain(gain), tries)
        return inside.astype(np.float64)

    return improve


def _log(size: int) -> Log:
    return (
        np.zeros(size + 1, np.int64),
        np.zeros(size + 1, np.int64),
        np.zeros(4 * size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.bool_),
        np.zeros(2, np.int64),
    )
