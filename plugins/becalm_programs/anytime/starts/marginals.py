"""Entries at random by what one call of the network says of each, then rounding search and 1-opt.

At pure noise the network's estimate is what it knows of the program alone: the chance of each entry to be 1 in good
solutions. It is asked once; a draw then costs no more than one by the relaxation, and has other chances.
"""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.logits import chance_logits
from becalm_programs.problem.program import Array

_SPREAD, _WIDEST = 0.5, 1.5


def prepare(instance: Instance) -> Draw | None:
    """Fits where there is a network for the program."""
    if instance.network is None:
        return None
    marginals = instance.marginals

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        spread = min(_SPREAD * apart, _WIDEST)
        return instance.polish(instance.decode(chance_logits(marginals, count, spread, random)))

    return draw
