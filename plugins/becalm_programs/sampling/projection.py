"""Tier projection: entries walk down the violation of what they are rounded to."""

import torch
from torch import Tensor

from becalm_programs.problem.block import HELD, BlockDiagonal
from becalm_programs.problem.rounding import round_entries

_STEPS = 100
_WALK = 0.1
"""Largest move of an entry in one step."""


def project_entries(block: BlockDiagonal, p: Tensor) -> Tensor:
    """Entries (N, K) moved down the violation of what they are rounded to, until it holds.

    The violation of the entries themselves would end at the edge of the relaxation, where rounding breaks rows again.
    """
    p = p.clamp(0, 1)
    for _ in range(_STEPS):
        over = block.violation(block.down(round_entries(block, p)))
        live = over.abs().amax(0) > HELD if len(over) else over.new_zeros(p.shape[1], dtype=torch.bool)
        if not bool(live.any()):
            break
        slope = block.up(over)
        step = slope / slope.abs().amax(0).clamp(min=1e-12)
        p = (p - _WALK * live * step).clamp(0, 1)
    return p
