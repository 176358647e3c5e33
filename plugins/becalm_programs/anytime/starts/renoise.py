"""Solutions of the pool, a part of them drawn anew: ruin and recreate (Schrimpf et al. 2000), by noise.

The part is of variables that hang together by rows, or random, or of those in which another solution of the pool
differs. What is free gets a logit drawn by its value in the relaxation, the rest keeps its value and is sure of it;
rounding search mends rows and goes down the cost, least sure entries first, and 1-opt ends it.
"""

import numpy as np

from becalm_programs.anytime.block import between, connected, scattered
from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.logits import chance_logits
from becalm_programs.problem.program import Array, Mask

_SHARE, _LEAST, _MOST = 0.2, 0.01, 0.9
"""Of the variables, how many are free where ``apart`` is 1, and limits of that."""
_SPREADS = (0.2, 0.5, 1.0)
"""Noise of what is free."""
_SURE = 8.0
"""Logit of what is kept, on either side."""


def prepare(instance: Instance) -> Draw:
    """Fits every program, as soon as there is a solution."""
    return draw_anew(instance, instance.lp_value)


def draw_anew(instance: Instance, chances: Array) -> Draw:
    """Draws a part of solutions of the pool anew, by the chances (N,) of entries to be 1."""
    owner = instance.form.encoding.owner

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        bases = np.stack([instance.base(random) for _ in range(count)])
        kept = instance.form.encoding.encode(instance.program, bases)
        free = np.stack([_free(instance, base, apart, random) for base in bases])[:, owner]
        fresh = chance_logits(chances, count, float(random.choice(_SPREADS)), random)
        sure = (2 * kept - 1) * (_SURE + random.random(kept.shape))
        return instance.polish(instance.decode(np.where(free, fresh, sure)))

    return draw


def _free(instance: Instance, base: Array, apart: float, random: np.random.Generator) -> Mask:
    """(n,) variables that are drawn anew: half of the time they hang together."""
    share = min(max(_SHARE * apart * random.uniform(0.5, 1.5), _LEAST), _MOST)
    count = min(max(2, round(share * len(base))), len(base))
    kind = random.random()
    if kind < 0.5:
        return connected(instance.columns, count, random)
    if kind < 0.75:
        return scattered(instance.columns, count, random)
    return between(base, instance.base(random), instance.columns, count, random)
