"""Dives: from solutions of the pool down the objective, or to a first solution.

Some integers of a solution, of rows that hang together, are set free, and a dive below its objective sets them anew
(``becalm_programs.search.descent``). While there is none, a random point is made feasible by a dive.
"""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.problem.program import Array

_ROUNDS = 8
"""Neighbourhoods that are tried for one solution."""


def prepare(instance: Instance) -> Draw:
    """Fits every program."""
    search = instance.feasible_search

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        found = []
        for _ in range(count):
            if len(instance.pool):
                found.append(search.descent.better(instance.base(random), int(random.integers(2**31)), _ROUNDS))
            elif (first := search.solution(*_anywhere(instance, random))) is not None:
                found.append(first)
        return instance.polish(np.array(found).reshape(-1, len(instance.program.cost)))

    return draw


def _anywhere(instance: Instance, random: np.random.Generator) -> tuple[Array, Array]:
    """A random point (n,) by the relaxation's values, and how sure its values are."""
    entries = random.random(len(instance.lp_value)) < np.clip(instance.lp_value, 0.1, 0.9)
    x = instance.form.encoding.decode(entries[None].astype(np.float64))[0]
    return x, random.random(len(x))
