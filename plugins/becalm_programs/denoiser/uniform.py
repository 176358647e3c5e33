"""Guidance without a network: the denoiser that knows of a program nothing but which sets of entries hold a single 1.

    E[x0 | x] = tanh(alpha x / sigma^2)    for bits that are -1 or 1 with equal chance

Of a set of which exactly one entry is 1, any with equal chance, it is a softmax of 2 alpha x / sigma^2. Both are exact
posterior means, so what is missing is all that a network could have learned: it is the ablation to beat.
"""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_programs.denoiser.network import posterior_mean
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal

# Below this variance of the noise every bit is settled anyway, and a logit must stay finite.
_LEAST = 1e-4
_VARIANCE = 1 / 3
"""Of a number anywhere between -1 and 1."""


class Uniform(nn.Module):
    """A network without parameters: the posterior mean of solutions that are drawn evenly from all settings of bits.

    An entry that need not be whole is taken to lie anywhere between -1 and 1; its estimate is the best linear one.
    """

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """Estimates of x's shape (rows,), for x scaled to unit variance of signal and noise together."""
        alpha, sigma, noisy = level.alpha.to(x), level.sigma.to(x), x * level.total_std.to(x)
        variance = sigma.square()
        logit = 2 * alpha * noisy / variance.clamp(min=_LEAST)
        linear = _VARIANCE * alpha * noisy / (_VARIANCE * alpha.square() + variance)
        return cond.map(_estimate, logit, linear)


def _estimate(block: BlockDiagonal, logit: Tensor, linear: Tensor) -> Tensor:
    """(N, K) estimates: bits by their logit, the rest by the linear one."""
    return torch.where(block.whole, posterior_mean(block, logit), linear.clamp(-1, 1))
