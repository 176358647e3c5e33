"""Guidance without a network: a denoiser that knows of a program its linear relaxation, and nothing that is learned.

    E[x0 | x] = tanh(l / 2),  l = 2 alpha x / sigma^2 + log(p / (1 - p))

for bits that are -1 or 1, and 1 with the chance p of their value in the relaxation, which the standard form has anyway
(``becalm_programs.problem.dual_values``). Of a set of which exactly one entry is 1 it is the softmax of l. Both are
exact posterior means of independent bits (of a set: given that one is 1); what is missing is all that a network could
have learned, how bits hang together. So it is the ablation to beat.

What the noise says is bounded: a bit of which the relaxation is sure stays what it is, however the noise falls. Without
that bound, samples drift to where the relaxation never was, and rounding has to bring them back.
"""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_programs.denoiser.network import posterior_mean
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import LP_VALUE

# Below this variance of the noise every bit is settled anyway, and a logit must stay finite.
_LEAST = 1e-4
_MOST = 2.0
"""Largest logit of what the noise says."""
_SURE = 0.05
"""The relaxation's chances keep this far from 0 and 1: there a bit outweighs the noise, and no more than that."""
_VARIANCE = 1 / 3
"""Of a number anywhere between -1 and 1."""


class Relaxation(nn.Module):
    """A network without parameters: the posterior mean of bits that are drawn with the relaxation's chances.

    An entry that need not be whole is taken to lie anywhere between -1 and 1; its estimate is the best linear one.
    """

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """Estimates of x's shape (rows,), for x scaled to unit variance of signal and noise together."""
        alpha, sigma, noisy = level.alpha.to(x), level.sigma.to(x), x * level.total_std.to(x)
        variance = sigma.square()
        evidence = 2 * alpha * noisy / variance.clamp(min=_LEAST)
        linear = _VARIANCE * alpha * noisy / (_VARIANCE * alpha.square() + variance)
        return cond.map(_estimate, evidence.clamp(-_MOST, _MOST), linear)


def _estimate(block: BlockDiagonal, evidence: Tensor, linear: Tensor) -> Tensor:
    """(N, K) estimates: bits by their logit, the rest by the linear one."""
    prior = torch.logit(block.features[:, LP_VALUE, None].clamp(_SURE, 1 - _SURE))
    return torch.where(block.whole, posterior_mean(block, evidence + prior), linear.clamp(-1, 1))
