"""What moves in a step of the rounding search: a list, as most entries stay where rows hold them."""

import numpy as np

from becalm_programs.compiled import inlined, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask

Moves = tuple[Array, Indices, Mask, Indices, Mask, Indices]
"""What moves in a step.

    slopes        (N,) of entries, 0 where they stay
    entries       (N,) the first ``count[0]`` are the entries that move
    listed        (N,) whether an entry is among them
    stirred       (S,) the first ``count[1]`` are the sets of some
    stirs         (S,) whether a set is among them
    count         (2,)
"""


def no_moves(entries: int, sets: int) -> Moves:
    """For so many entries and sets."""
    return (
        np.zeros(entries),
        np.zeros(entries, np.int64),
        np.zeros(entries, np.bool_),
        np.zeros(sets, np.int64),
        np.zeros(sets, np.bool_),
        np.zeros(2, np.int64),
    )


@part
def still(moves: Moves) -> None:
    """Nothing moves."""
    slopes, entries, listed, stirred, stirs, count = moves
    for place in range(count[0]):
        slopes[entries[place]], listed[entries[place]] = 0.0, False
    for place in range(count[1]):
        stirs[stirred[place]] = False
    count[0], count[1] = 0, 0


@inlined
def push(moves: Moves, set_of: Indices, entry: int, slope: float) -> None:
    """An entry moves by a slope more."""
    slopes, entries, listed, stirred, stirs, count = moves
    slopes[entry] += slope
    if not listed[entry]:
        listed[entry] = True
        entries[count[0]] = entry
        count[0] += 1
        if set_of[entry] >= 0 and not stirs[set_of[entry]]:
            stirs[set_of[entry]] = True
            stirred[count[1]] = set_of[entry]
            count[1] += 1


@part
def push_all(moves: Moves, set_of: Indices) -> None:
    """All entries are to be rounded."""
    still(moves)
    for entry in range(len(set_of)):
        push(moves, set_of, entry, 0.0)
