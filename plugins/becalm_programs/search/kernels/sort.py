"""Sorting and selecting in place, without a copy."""

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


@part
def least(key: Array, count: int, rank: int) -> float:
    """The number of that rank, from 0 on, among the first ``count``; their order is lost (Hoare 1961)."""
    low, high = 0, count - 1
    while low < high:
        pivot, left, right = key[(low + high) // 2], low, high
        while left <= right:
            while key[left] < pivot:
                left += 1
            while key[right] > pivot:
                right -= 1
            if left <= right:
                key[left], key[right] = key[right], key[left]
                left, right = left + 1, right - 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return float(key[rank])
