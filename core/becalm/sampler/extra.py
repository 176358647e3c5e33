"""Diffusion-X: after the last step, denoise again and again at the lowest noise, adding none (Pearce et al. 2023).

    x <- E[x0 | alpha x],   alpha of the lowest noisy level

Each is a step of mean shift on the density that this level sees, so samples between the modes move to one: fewer
outliers, less diversity. The paper hands x itself to the denoiser; we scale it to the level's signal, without which the
fixed points are off by a share 1 - alpha, much under schedules whose lowest level is not near clean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.sampler.step import Noise, Sampler, Step, at_device, without_gradients

C = TypeVar("C")


@dataclass(frozen=True)
class Extra:
    """A sampler, and ``count`` more updates after its last step; one call of the denoiser each.

    The path must end clean, and its last noisy level is the one used.
    """

    sampler: Sampler
    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count must be at least 0, got {self.count}")

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        lowest, clean = at_device(levels, x)[-2:]
        steps = 0
        for step in self.sampler(denoise, x, levels, cond, noise):
            x, steps = step.x, step.index + 1
            yield step
        for index in range(steps, steps + self.count):
            x = denoise(x * lowest.alpha, lowest, cond)
            yield Step(index, clean, x, x)
