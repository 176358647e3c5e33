"""Growing a block of variables along rows, compiled."""

from becalm_programs.compiled import kernel
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask

_VAIN = 5
"""Rows in turn that bring nothing new, after which a block goes on somewhere else."""


@kernel
def grow(
    row_start: Indices,
    row_column: Indices,
    column_start: Indices,
    column_row: Indices,
    chance: Array,
    count: int,
    chosen: Mask,
    front: Indices,
) -> None:
    """Chooses variables: those of a row of a random variable, then of a row of one of them, and so on.

    Args:
        chance: (R,) random numbers in [0, 1), used in turn; the block may stay smaller where they do not suffice.
        count: How many variables. chosen: (n,) is filled. front: (n + 1,) room.
    """
    size, used, found, vain = len(chosen), 0, 0, _VAIN + 1
    length, first = 0, 0
    while found < count and used + 2 < len(chance):
        if vain > _VAIN:
            # Somewhere else: what was found before is not grown any more.
            first, vain = length, 0
            variable = int(chance[used] * size)
        else:
            place = first + int(chance[used] * (length - first))
            variable = front[place] if length > first else int(chance[used] * size)
        before = found
        if not chosen[variable]:
            chosen[variable], front[length] = True, variable
            length, found = length + 1, found + 1
        start, end = column_start[variable], column_start[variable + 1]
        if end > start:
            row = column_row[start + int(chance[used + 1] * (end - start))]
            begin, members = row_start[row], row_start[row + 1] - row_start[row]
            # From a random place on, so that a long row is not always cut at its end.
            turn = int(chance[used + 2] * members)
            for step in range(members):
                if found >= count:
                    break
                other = row_column[begin + (turn + step) % members]
                if not chosen[other]:
                    chosen[other], front[length] = True, other
                    length, found = length + 1, found + 1
        vain = 0 if found > before else vain + 1
        used += 3
