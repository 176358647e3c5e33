"""Bits that flip: x and x0 are -1 or 1, and E[x | x0] = alpha x0.

    q(x | x0) = (1 + alpha x x0) / 2,     q(x_t | x_s) = (1 + a x_t x_s) / 2,   a = alpha_t / alpha_s

(Austin et al. 2021, appendix A.2, the uniform process of two categories; Sohl-Dickstein et al. 2015, appendix B.2.) A
denoiser returns E[x0 | x] = 2 P(1 | x) - 1 in [-1, 1]. Only alpha counts; sigma tells networks the level.
"""

import math
from typing import Literal

import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.gaussian import quotient
from becalm.process.protocol import Noise, Process


class Bits(Process):
    """Each bit keeps its value with probability (1 + alpha) / 2."""

    kind: Literal["bits"] = "bits"

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return _draw((1 + level.alpha.to(x0) * x0) / 2, noise)

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return _draw((1 + quotient(to.alpha, now.alpha).to(x) * x) / 2, noise)

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        """Of an estimate x0 between -1 and 1, the mean over both bits (Austin et al. 2021, eq. 4)."""
        ratio = quotient(now.alpha, to.alpha).to(x)
        alpha, before = now.alpha.to(x), to.alpha.to(x)
        chance = torch.zeros_like(x)
        for bit in (-1.0, 1.0):
            # Where x is not possible from this bit the estimate gives it no weight.
            bottom = (2 * (1 + alpha * x * bit)).clamp(min=torch.finfo(x.dtype).tiny)
            chance = chance + (1 + x0 * bit) / 2 * (1 + ratio * x) * (1 + before * bit) / bottom
        return _draw(chance, noise)

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return _draw(torch.full_like(like, 0.5), noise)


def _draw(chance: Tensor, noise: Noise) -> Tensor:
    """1 with that probability, else -1; a normal number below a quantile is a uniform one below a probability."""
    uniform = (1 + torch.erf(noise(chance) / math.sqrt(2.0))) / 2
    return torch.where(uniform < chance, 1.0, -1.0).to(chance)
