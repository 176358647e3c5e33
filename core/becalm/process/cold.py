"""Cold diffusion: x0 is degraded without chance, by blur, by pixels that merge, or by a hole that opens.

    x = D(x0, s),   s = 1 - alpha,     D(D(x0, r), s) = D(x0, s) for r < s
    bridge(x, x0) = x - D(x0, s) + D(x0, s')

(Bansal et al. 2022, section 3 and algorithm 2.) Where the estimate is wrong the bridge still keeps what x knows: its
error is one of D(x0_hat, s') - D(x0_hat, s) alone. What is learnt is E[x0 | x], prediction x0; ``ddpm`` samples.
"""

import math
from abc import abstractmethod
from functools import lru_cache
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.protocol import Noise, Process
from becalm.process.rotated import Rotated

_IMAGE = Rotated(axes=2)


class Cold(Process):
    """A degradation of images (..., H, W), linear and done in any number of stages."""

    @abstractmethod
    def degrade(self, x: Tensor, now: Tensor, to: Tensor) -> Tensor:
        """What has severity ``now``, degraded to ``to``; both in [0, 1] and broadcasting against x."""

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return self.degrade(x0, torch.zeros_like(level.alpha), 1 - level.alpha)

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return self.degrade(x, 1 - now.alpha, 1 - to.alpha)

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return x - self.corrupt(x0, now, noise) + self.corrupt(x0, to, noise)  # Algorithm 2.

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        """White noise, degraded: what is known of no image. To restore one, edit it from the level that it is at."""
        return self.corrupt(noise(like), level, noise)


class ColdBlur(Cold):
    """Blur by a Gaussian whose standard deviation grows linearly, as the heat equation blurs."""

    kind: Literal["cold_blur"] = "cold_blur"
    blur: float = Field(8.0, gt=0, description="Standard deviation of the blur at the last level, in pixels.")

    def degrade(self, x: Tensor, now: Tensor, to: Tensor) -> Tensor:
        time = (self.blur**2 / 2 * (to**2 - now**2)).to(x)
        return _IMAGE.leave(_IMAGE.enter(x) * torch.exp(-_heat(x.shape[-2], x.shape[-1]).to(x) * time))


class ColdPixels(Cold):
    """Pixels that merge into squares of 2, 4, 8, ... on a side, each the mean of what it covers."""

    kind: Literal["cold_pixels"] = "cold_pixels"
    doublings: int = Field(4, ge=1, le=16, description="How often the side of the squares has doubled in the end.")

    def degrade(self, x: Tensor, now: Tensor, to: Tensor) -> Tensor:
        stage = (to * self.doublings - 1e-9).ceil().to(x)
        merged = x
        for number in range(1, self.doublings + 1):
            rows, columns = (_means(size, 2**number).to(x) for size in x.shape[-2:])
            merged = torch.where(stage >= number, rows @ x @ columns.T, merged)
        return merged


class ColdMask(Cold):
    """A hole that opens at the middle, fading into its surroundings."""

    kind: Literal["cold_mask"] = "cold_mask"
    width: float = Field(0.25, gt=0, description="Standard deviation of the hole, as a share of the image's side.")
    depth: float = Field(5.0, gt=0, le=20, description="Negative logarithm of what is left at its middle in the end.")

    def degrade(self, x: Tensor, now: Tensor, to: Tensor) -> Tensor:
        return x * torch.exp(-(to - now).to(x) * self.depth * _hole(x.shape[-2], x.shape[-1], self.width).to(x))


@lru_cache(maxsize=16)
def _heat(height: int, width: int) -> Tensor:
    """Rates at which the frequencies of the cosine basis decay, (H, W)."""
    rows, columns = ((math.pi * torch.arange(size, dtype=torch.float64) / size) ** 2 for size in (height, width))
    return rows[:, None] + columns


@lru_cache(maxsize=64)
def _means(size: int, side: int) -> Tensor:
    """The matrix that puts the mean of every ``side`` neighbours in the place of each, (size, size)."""
    block = torch.arange(size) // side
    same = (block[:, None] == block).double()
    return same / same.sum(1, keepdim=True)


@lru_cache(maxsize=16)
def _hole(height: int, width: int, spread: float) -> Tensor:
    """1 at the middle, falling off as a Gaussian, (H, W)."""
    rows, columns = ((torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5 for size in (height, width))
    return torch.exp(-(rows[:, None] ** 2 + columns**2) / (2 * spread**2))
