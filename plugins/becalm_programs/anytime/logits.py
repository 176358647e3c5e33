"""Logits that are drawn: their signs are bits of given chances, their sizes say how sure each is."""

import numpy as np

from becalm_programs.problem.program import Array

_LEAST = 0.02
"""Chance that an entry has in any case to be other than the relaxation has it."""


def chance_logits(chance: Array, count: int, spread: float, random: np.random.Generator) -> Array:
    """Logits (K, N) ``log p / (1 - p) + spread * logistic``; at spread 1 they are above 0 with chance p.

    Args:
        chance: (N,) p, in [0, 1]. count: K.
    """
    p = np.clip(chance, _LEAST, 1 - _LEAST)
    return np.log(p / (1 - p)) + spread * random.logistic(size=(count, len(p)))
