"""Categories that are masked: x0 is one-hot along the last axis, (..., K), and x is x0, or 0 throughout where masked.

    q(x = x0 | x0) = alpha,     q(x = 0 | x0) = 1 - alpha

(Austin et al. 2021, section 3.1, the absorbing process; Sahoo et al. 2024, section 3.) The papers have the mask as one
more category; as the zero vector x has the shape of x0 and of its estimate, E[x0 | x]. What is unmasked stays.
"""

from typing import Literal

import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.categories import draw
from becalm.process.gaussian import quotient
from becalm.process.protocol import Noise, Process


class Masked(Process):
    """Each entry is masked with probability 1 - alpha, and stays so on the way up."""

    kind: Literal["masked"] = "masked"

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return draw(x0, noise, level.alpha.to(x0))

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return draw(x, noise, quotient(to.alpha, now.alpha).to(x))

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        """Masked entries are drawn from the estimate, each with probability (alpha_s - alpha_t) / (1 - alpha_t)."""
        revealed = quotient(to.alpha - now.alpha, 1 - now.alpha).to(x)
        masked = x.sum(-1, keepdim=True) == 0
        return torch.where(masked, draw(x0 / x0.sum(-1, keepdim=True), noise, revealed), x)

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return torch.zeros_like(like)
