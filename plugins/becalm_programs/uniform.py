"""Guidance without a network: the denoiser that knows of a program nothing but which sets of entries hold a single 1.

    E[x0 | x] = tanh(alpha x / sigma^2)    for bits that are -1 or 1 with equal chance

Of a set of which exactly one entry is 1, any with equal chance, it is a softmax of 2 alpha x / sigma^2. Both are exact
posterior means, so what is missing is all that a network could have learned: it is the ablation to beat.
"""

import torch
from torch import Tensor, nn

from becalm.codec import Identity
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.objective.draw import Objective
from becalm.schedule import Cosine
from becalm_programs.condition import Block, Programs
from becalm_programs.domain import IntegerPrograms
from becalm_programs.network import shares

# Without a network the objective has to say everything.
_PULL = 100.0
# Below this variance of the noise every bit is settled anyway, and a logit must stay finite.
_LEAST = 1e-4
_VARIANCE = 1 / 3
"""Of a number anywhere between -1 and 1."""


class Uniform(nn.Module):
    """A network without parameters: the posterior mean of solutions that are drawn evenly from all settings of bits.

    An entry that need not be whole is taken to lie anywhere between -1 and 1; its estimate is the best linear one.
    """

    def forward(self, x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
        """Estimates of x's shape (rows,), for x scaled to unit variance of signal and noise together."""
        alpha, sigma, noisy = level.alpha.to(x), level.sigma.to(x), x * level.norm.to(x)
        variance = sigma.square()
        logit = 2 * alpha * noisy / variance.clamp(min=_LEAST)
        linear = _VARIANCE * alpha * noisy / (_VARIANCE * alpha.square() + variance)
        return torch.cat(
            [
                block.scatter(_estimate(block, block.gather(logit[part]), block.gather(linear[part])))
                for block, part in cond.parts()
            ]
        )


def bare(device: torch.device) -> Model[Programs]:
    """A model without a network, on which guidance does all the work."""
    network = Uniform().eval().to(device)
    return Model(IntegerPrograms(pull=_PULL), Cosine(), Objective(prediction="x0"), network, Identity(), device, {})


def _estimate(block: Block, logit: Tensor, linear: Tensor) -> Tensor:
    """(N, K) estimates: bits by their logit, the rest by the linear one."""
    return torch.where(block.whole, shares(block, logit), linear.clamp(-1, 1))
