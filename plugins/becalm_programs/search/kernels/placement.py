"""Customers placed at open facilities (see ``becalm_programs.search.structure.facility``)."""

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.kernels.sort import sort

_MOST = 1e30
"""In place of an infinite cost, so that differences are numbers."""


@kernel
def place(
    opened: Mask,
    transport: Array,
    demand: Array,
    capacity: Array,
    chosen: Indices,
    left: Array,
    open_now: Indices,
    order: Indices,
    regret: Array,
) -> None:
    """For each set of open facilities (S, F): customers, in the order of their first regrets, go to the cheapest with
    room.

    Args:
        transport, demand: (C, F). capacity: (F,).
        chosen: (S, C) facility of each customer is written there, -1 for no room.
        left, open_now: (F,) to work in. order, regret: (C,) to work in.
    """
    for customer in range(len(order)):
        order[customer] = customer
    for number in range(len(opened)):
        count = _open(opened[number], open_now)
        for place in range(count):
            left[open_now[place]] = capacity[open_now[place]]
        # In the order for the last set, which is nearly that for this one.
        for turn in range(len(order)):
            regret[turn] = -_regret(transport[order[turn]], open_now, count)
        sort(regret, order, len(order))
        for customer in order:
            best, least = -1, np.inf
            for place in range(count):
                facility = open_now[place]
                fits = demand[customer, facility] <= left[facility]
                if fits and transport[customer, facility] < least:
                    best, least = facility, transport[customer, facility]
            chosen[number, customer] = best
            if best >= 0:
                left[best] -= demand[customer, best]


@kernel
def cheapest(opened: Mask, transport: Array, open_now: Indices, total: Array) -> None:
    """For each set of open facilities (S, F) what transport costs where each has room for all, into ``total`` (S,)."""
    for number in range(len(opened)):
        count = _open(opened[number], open_now)
        total[number] = 0.0
        for customer in range(len(transport)):
            least = np.inf
            for place in range(count):
                least = min(least, transport[customer, open_now[place]])
            total[number] += least


@part
def _open(opened: Mask, open_now: Indices) -> int:
    """Lists what is open; how many are."""
    count = 0
    for facility in range(len(opened)):
        if opened[facility]:
            open_now[count] = facility
            count += 1
    return count


@part
def _regret(transport: Array, open_now: Indices, count: int) -> float:
    """By how much the second of the open facilities costs more than the first."""
    first, second = np.inf, np.inf
    for place in range(count):
        cost = transport[open_now[place]]
        first, second = min(first, cost), min(second, max(first, cost))
    return min(second, _MOST) - min(first, _MOST)
