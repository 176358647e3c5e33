"""A solver on a part of a solution of the pool (large-neighbourhood search, Shaw 1998); on the whole if there is none.

A solver that is given the whole may prove that there is nothing to be found.
"""

import numpy as np

from becalm_programs.anytime.instance import Draw, InfeasibleError, Instance
from becalm_programs.problem.program import Array
from becalm_programs.search.large.lns import Limit, Search
from becalm_programs.solvers.driver import solve
from becalm_programs.solvers.solver import INFEASIBLE

_LONGEST, _SHARE = 0.5, 0.2
"""Seconds that a solver may take in a turn: no more than this share of those left."""


def prepare(instance: Instance) -> Draw:
    """Fits every program."""
    search = Search(instance.columns, np.random.default_rng())

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        limit = max(min(_LONGEST, _SHARE * seconds), 0.02)
        if not len(instance.pool):
            return _first(instance, max(_SHARE * seconds, 0.02))
        search.generator, search.part_seconds = random, limit
        base = instance.base(random)
        search.nearness = _nearness(instance, base)
        others, on_the_way = instance.pool.all()[:50], list[Array]()
        on_the_way.append(search.improve(base, Limit(steps=count), others=others, on_incumbent=on_the_way.append))
        return instance.polish(np.array(on_the_way).reshape(-1, len(base)))

    return draw


def _first(instance: Instance, seconds: float) -> Array:
    """What a solver finds in a while (K, n).

    Raises:
        InfeasibleError: If it proves that there is nothing.
    """
    result = solve(instance.program, "highs", seconds=seconds)
    if result.status == INFEASIBLE:
        raise InfeasibleError("HiGHS proves it")
    return np.zeros((0, len(instance.program.cost))) if result.x is None else result.x[None]


def _nearness(instance: Instance, x: Array) -> Array:
    """(n,) how firmly the relaxation holds each variable: not at all where it has another value."""
    encoding, reduced = instance.form.encoding, np.abs(instance.form.reduced_cost.double().cpu().numpy())
    held = np.zeros(len(x))
    np.maximum.at(held, encoding.owner, reduced / max(float(reduced.max()), 1e-12))
    relaxed = encoding.weights @ instance.lp_value + encoding.low
    return np.where(np.abs(relaxed - x) > 0.1, 0.0, held)
