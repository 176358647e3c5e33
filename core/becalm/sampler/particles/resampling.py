"""Resampling of weighted particles, of each sample by itself: systematic, with one uniform number each.

(Kitagawa 1996.) It keeps floor or ceil of P w copies of a particle of weight w, P w in the mean.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.sampler.known import Noise


def uniform(noise: Noise, x: Tensor, owner: Tensor | None, samples: int) -> Tensor:
    """Two uniform numbers of each sample, (2, B) float64."""
    import torch

    normal = noise(x.new_empty(len(x), 2)).double()
    if owner is not None:
        first = torch.searchsorted(owner, torch.arange(samples, device=x.device))
        normal = normal.index_select(0, first)
    return (1 + torch.erf(normal.T / math.sqrt(2.0))) / 2


def resample(log_weights: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
    """The ancestor of each particle, and the weights after, both (P, B).

    Where the effective number of particles is at least half of P each is its own ancestor.

    Args:
        log_weights: (P, B), normalised.
        chance: (B,) uniform numbers.
    """
    import torch

    count = len(log_weights)
    number = torch.arange(count, device=log_weights.device)[:, None]
    poor = -(2 * log_weights).logsumexp(0) < math.log(count / 2)
    comb = ((number + chance) / count).T.contiguous()
    shares = log_weights.exp().cumsum(0).T.contiguous()
    drawn = torch.searchsorted(shares, comb).clamp(max=count - 1).T
    return torch.where(poor, drawn, number), torch.where(poor, -math.log(count), log_weights)


def pick(log_weights: Tensor, chance: Tensor) -> Tensor:
    """One particle of each sample, drawn by weight, (B,)."""
    import torch

    shares = (log_weights - log_weights.logsumexp(0)).exp().cumsum(0).T.contiguous()
    return torch.searchsorted(shares, chance[:, None].contiguous()).clamp(max=len(log_weights) - 1)[:, 0]
