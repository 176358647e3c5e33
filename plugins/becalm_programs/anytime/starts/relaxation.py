"""The linear relaxation rounded with chance (Raghavan and Thompson 1987), then rounding search and 1-opt.

An entry of value p in the relaxation gets the logit log p / (1 - p) plus logistic noise, which at spread 1 is above 0
with chance p; less noise is nearer to the objective. How far from 0 a logit is, is how sure an entry is to rounding
search, which mends rows and goes down the cost from there.
"""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.logits import chance_logits
from becalm_programs.problem.program import Array

_SPREAD, _WIDEST = 0.3, 1.5


def prepare(instance: Instance) -> Draw:
    """Fits every program."""

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        spread = min(_SPREAD * apart, _WIDEST)
        return instance.polish(instance.decode(chance_logits(instance.lp_value, count, spread, random)))

    return draw
