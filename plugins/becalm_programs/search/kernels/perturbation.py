"""Which entry the rounding search flips where it is stuck: one that would lower the cost, and has seldom been tried."""

import numpy as np

from becalm_programs.compiled import part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.rows import SLACK, Rows, add
from becalm_programs.search.kernels.sets import SINGLE, Sets, leader

FIRM = 50.0
"""Logit of an entry that is held."""
PACE = 1e-12
"""An entry that gains on its set's likeliest by no more than this never overtakes it."""


@part
def losses(rows: Rows, cost: Array, p: Array, loss: Array) -> None:
    """What raising each entry loses: what stands in its way, less what it gains."""
    record, by_row, start, _, _, _ = rows
    for entry in range(len(cost)):
        loss[entry] = cost[entry]
    for number in range(len(record) - 1):
        row = record[number]
        if not row.full:
            continue
        mean, begin, end = 0.0, row.start, record[number + 1].start
        for place in range(begin, end):
            entry = by_row[place].at
            degree = start[entry + 1] - start[entry]
            mean -= cost[entry] * p[entry] / np.sqrt(degree) * by_row[place].value
        size = row.flip / SLACK
        add(loss, by_row, begin, end, mean / (max(row.activity, size / 2) * size))


@part
def untried(sets: Sets, kind: Indices, cost: Array, logit: Array, tries: Array, loss: Array, rising: bool) -> int:
    """Which entry to flip of those that would lower the cost, -1 if there is none.

    The least often tried, of these the one that loses least or is the least sure, of these the first.
    """
    begin, member, _, chosen, _ = sets
    untried, fewest, least = -1, np.inf, np.inf
    for entry in range(len(logit)):
        if kind[entry] != SINGLE or (cost[entry] <= 0 if logit[entry] > 0 else cost[entry] >= 0):
            continue
        own = loss[entry] if rising else logit[entry] / cost[entry]
        if tries[entry] < fewest or (tries[entry] == fewest and own < least):
            untried, fewest, least = entry, tries[entry], own
    for number in range(len(chosen)):
        top, pace = leader(sets, logit, cost, number)
        for place in range(begin[number], begin[number + 1]):
            entry = member[place]
            if logit[entry] >= top or pace - cost[entry] <= PACE or tries[entry] > fewest:
                continue
            own = loss[entry] if rising else (top - logit[entry]) / (pace - cost[entry])
            if tries[entry] < fewest or own < least or (own == least and entry < untried):
                untried, fewest, least = entry, tries[entry], own
    return untried


@part
def held(sets: Sets, logit: Array, entry: int) -> float:
    """The logit of an entry that is flipped and held."""
    _, _, set_of, chosen, _ = sets
    if set_of[entry] >= 0:
        return float(logit[chosen[set_of[entry]]]) + FIRM
    return -FIRM if logit[entry] > 0 else FIRM
