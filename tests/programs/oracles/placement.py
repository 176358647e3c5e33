"""Customers placed at open facilities with numpy: what the compiled placement is held to."""

import numpy as np

from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.structure.facility import Facility


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
