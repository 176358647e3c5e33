"""Randomised greedy, then 1-opt: costs are multiplied by ``exp(spread * normal)``, the spread grows with ``apart``."""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.problem.program import Array
from becalm_programs.search.greedy import greedy_by

_SPREAD, _WIDEST = 0.15, 1.0


def prepare(instance: Instance) -> Draw:
    """Fits every program."""

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        normal = random.standard_normal((count, len(instance.program.cost)))
        factor = np.exp(min(_SPREAD * apart, _WIDEST) * normal)
        return instance.polish(greedy_by(instance.columns, factor))

    return draw
