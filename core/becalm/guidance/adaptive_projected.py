"""Adaptive projected guidance: classifier-free guidance whose update is cut in length, and weakened along the estimate.

    d = c - u,   d <- d min(1, r / |d|),   d = d_along + d_across of c,   x0 = c + (scale - 1) (d_across + eta d_along)

(Sadat et al. 2025, algorithm 1, without its momentum, which would make a guidance remember its walk.) What is along the
estimate makes it larger, which oversaturates; what is across makes it better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, doubled, wrap
from becalm.errors import UserError
from becalm.guidance.protocol import Scale, per_row
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class AdaptiveProjected(Generic[C]):
    """Classifier-free guidance that may be strong; one call of 2B.

    Attributes:
        scale: As of ``ClassifierFree``: 1 is conditional.
        drop: Makes the null condition of a condition.
        radius: r, the longest update in units of the root of the number of entries; inf cuts nothing.
        along: eta, the share that is kept of what is along the estimate; 1 keeps all, as ``ClassifierFree`` does.
    """

    scale: Scale
    drop: Callable[[C], C]
    radius: float = float("inf")
    along: float = 0.0

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise UserError(f"radius must be above 0, got {self.radius}")

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self._guided(denoise, x, level, cond))

    def _guided(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        conditional, unconditional = doubled(denoise, x, level, cond, self.drop(cond))
        owner, update = owner_of(cond), conditional - unconditional
        tiny = torch.finfo(x.dtype).tiny
        length = sum_per_sample(update * update, owner).clamp(min=tiny).sqrt()
        entries = sum_per_sample(torch.ones_like(update), owner).sqrt()
        update = update * per_sample((self.radius * entries / length).clamp(max=1), x, owner)
        size = sum_per_sample(conditional * conditional, owner).clamp(min=tiny)
        along = per_sample(sum_per_sample(update * conditional, owner) / size, x, owner) * conditional
        update = update - (1 - self.along) * along
        return conditional + (per_row(self.scale, x, level, cond) - 1) * update
