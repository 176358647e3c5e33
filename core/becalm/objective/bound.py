"""One term of the variational bound: what trains a learned variance.

    L = KL( q(x_s | x_t, x0) || p(x_s | x_t) ),   p's mean taken from the estimate of x0, p's variance from the network

(Ho et al. 2020, eq. 5; Nichol and Dhariwal 2021, eq. 15-16, who detach the mean: this term moves the variance only.)
Time has 1000 steps, as in the papers: the step from the second of them to the first is the last such term. Below it
stands the decoder's, of data that are known to a hundredth of their standard deviation; no term's variance is less, so
that each is bounded.
"""

import math

import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.gaussian import posterior

STEPS = 1000
_LEAST = 1e-2**2


def earlier(t: Tensor) -> Tensor:
    """The time one of 1000 steps nearer to clean; from the second on clean itself."""
    return torch.where(t >= 2 / STEPS, t - 1 / STEPS, torch.zeros_like(t))


def step_bound(level: NoiseLevel, before: NoiseLevel, x0: Tensor, estimate: Tensor, fraction: Tensor) -> Tensor:
    """KL of the step from ``level`` to ``before``, in bits per entry, of x0's shape.

    Args:
        level, before: Levels that broadcast against x0, the second nearer to clean or clean.
        estimate: The denoiser's x0, through which no gradient flows.
        fraction: Where the variance lies between the small (0) and the large (1) one, in log space.
    """
    _, change, small, large = (
        value.to(x0) for value in posterior(level.alpha, level.sigma, before.alpha, before.sigma)
    )
    small, large = small.clamp(min=_LEAST), large.clamp(min=_LEAST)
    log_variance = fraction * large.log() + (1 - fraction) * small.log()
    distance = (change * (x0 - estimate.detach())) ** 2
    nats = 0.5 * (log_variance - small.log() + (small + distance) / log_variance.exp() - 1)
    return nats / math.log(2.0)
