"""Customers placed at open facilities with numpy: what the compiled placement is held to."""

import zlib

import numpy as np

from becalm_programs.problem.program import Array, Mask
from becalm_programs.problem.verify import verify
from becalm_programs.search.structure.facility import Facility

AT_A_TIME = 256
"""Sets of open facilities that are judged at a time."""
GAIN = 1e-9


def change(facility: Facility, x: Array) -> Array:
    """x (n,), a solution, with a facility closed, opened or exchanged: one of the changes that pay, drawn by x."""
    cost, before = facility.program.cost, float(facility.program.cost @ x)
    transport, fixed = np.where(facility.pair >= 0, cost[facility.pair], np.inf), cost[facility.gate]
    others = neighbours(x[facility.gate] > 0)
    parts = [others[start : start + AT_A_TIME] for start in range(0, len(others), AT_A_TIME)]
    paying = np.flatnonzero(
        np.concatenate([values(facility, part, transport, fixed) for part in parts]) < before - GAIN
    )
    if not len(paying):
        return x
    opened = others[np.random.default_rng(zlib.crc32(x.tobytes())).choice(paying)]
    changed = facility._write(opened, facility._shift(facility._serve(opened, transport), opened, transport))
    return changed if verify(facility.program, changed[None]).feasible[0] and cost @ changed < before else x


def neighbours(opened: Mask) -> Mask:
    """(S, F) sets that differ from one (F,) by a facility that is closed or opened, then by one exchanged."""
    flips = [[facility] for facility in range(len(opened))]
    leave, enter = np.flatnonzero(opened), np.flatnonzero(~opened)
    flips += [[int(one), int(other)] for other in enter for one in leave]
    sets = np.repeat(opened[None], len(flips), axis=0)
    for number, flipped in enumerate(flips):
        sets[number, flipped] ^= True
    return sets


def values(facility: Facility, opened: Mask, transport: Array, fixed: Array) -> Array:
    """(S,) cost of each set of open facilities."""
    chosen = place(facility, opened, transport)
    paid = np.where(chosen >= 0, transport[np.arange(len(transport)), chosen], np.inf)
    return np.asarray(opened @ fixed + paid.sum(axis=1))


def place(facility: Facility, opened: Mask, transport: Array) -> Array:
    """(S, C) facility of each customer for each set of open ones, in the order of first regrets; -1 for no room."""
    states = np.arange(len(opened))
    cost_of = np.where(opened[:, None], transport, np.inf)
    two = np.partition(np.concatenate([cost_of, np.full((*cost_of.shape[:2], 1), np.inf)], axis=2), 1, axis=2)
    order = np.argsort(-(np.minimum(two[..., 1], 1e30) - np.minimum(two[..., 0], 1e30)), axis=1, kind="stable")
    left = np.where(opened, facility.capacity, -1.0)
    chosen = np.full((len(opened), len(transport)), -1)
    for customer in order.T:
        fits = np.where(facility.demand[customer] <= left, cost_of[states, customer], np.inf)
        best = fits.argmin(axis=1)
        there = np.isfinite(fits[states, best])
        chosen[states[there], customer[there]] = best[there]
        left[states[there], best[there]] -= facility.demand[customer[there], best[there]]
    return chosen
