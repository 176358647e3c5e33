"""The path of a given number of steps with the least sum of errors, by dynamic programming (Watson et al. 2021).

    best_k(i, j) = min_h best_{k-1}(h, i) + error(h, i, j)

An error may depend on the level before, since multistep solvers look back, so the state is a pair of levels.
"""

import math

import torch
from torch import Tensor

from becalm.errors import UserError


def choose(first: Tensor, errors: Tensor, steps: int) -> list[int]:
    """The levels of the best path of so many steps, from level 0 to the last.

    Args:
        first: (L,) errors of a first step from level 0 to each.
        errors: (L, L, L) those of a step from i to j after a level h, at [h, i, j]; infinity where not h < i < j.
        steps: Of the path, from 1 to L - 1.

    Returns:
        steps + 1 numbers of levels, ascending.

    Raises:
        UserError: If there are more steps than levels to step to, or none.
    """
    count = len(first)
    if not 1 <= steps < count:
        raise UserError(f"steps must be from 1 to {count - 1}, one less than the teacher's levels, got {steps}")
    best = torch.full((count, count), math.inf, dtype=torch.float64)
    best[0] = first
    backs = []
    for _ in range(steps - 1):
        # Nothing but its first level goes before level 0, so a path's second step looks back at that.
        best, back = (best[:, :, None] + errors).min(0)
        backs.append(back)
    levels = [int(best[:, -1].argmin()), count - 1]
    for back in reversed(backs):
        levels.insert(0, int(back[levels[0], levels[1]]))
    return levels
