"""Sorting in place, without a copy."""

from becalm_programs.compiled import part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array


@part
def sort(key: Array, turn: Indices, count: int) -> None:
    """Sorts the first of both by key, then by turn (Shell 1959)."""
    gap = 1
    while gap < count:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for place in range(gap, count):
            own, whose, back = key[place], turn[place], place - gap
            while back >= 0 and (key[back] > own or (key[back] == own and turn[back] > whose)):
                key[back + gap], turn[back + gap] = key[back], turn[back]
                back -= gap
            key[back + gap], turn[back + gap] = own, whose
