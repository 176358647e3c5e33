"""Entries by kind, and sets of which exactly one entry is 1."""

from becalm_programs.compiled import part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask

BETWEEN, SINGLE, MEMBER = 0, 1, 2
"""Kinds of entries: need not be whole; 0 or 1; of a set of which exactly one is 1."""
Sets = tuple[Indices, Indices, Indices, Indices, Mask]
"""Sets of which exactly one entry is 1.

    begin         (S + 1,) where the entries of each begin
    member        the entries, set after set
    set_of        (N,) set of each entry, -1 for none
    chosen        (S,) the entry that is 1; -1 before there is one
    tied          (S,) whether another is as likely
"""


@part
def leader(sets: Sets, logit: Array, slope: Array, number: int) -> tuple[float, float]:
    """Logit of the likeliest entry of a set, and its slope; of several, the greatest."""
    begin, member, _, chosen, tied = sets
    top, pace = logit[chosen[number]], slope[chosen[number]]
    if tied[number]:
        for place in range(begin[number], begin[number + 1]):
            if logit[member[place]] == top:
                pace = max(pace, slope[member[place]])
    return top, pace
