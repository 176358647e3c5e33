"""CFG-Zero*: classifier-free guidance with the unconditional estimate scaled to fit the conditional one.

    x0 = s u + scale (c - s u),   s = <c, u> / <u, u>

(Fan et al. 2025, eq. 8-9, there on a flow's velocity.) The scale s depends on both estimates, sample by sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, doubled, wrap
from becalm.guidance.protocol import Scale, per_row
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class ZeroStar(Generic[C]):
    """Classifier-free guidance with a fitted share of the unconditional estimate; one call of 2B.

    Velocities are eps - x0, those of a straight flow, whatever the schedule. The paper's second
    part, no motion in the first steps, is a matter of the path, and left out.

    Attributes:
        scale: As of ``ClassifierFree``: 1 is conditional.
        drop: Makes the null condition of a condition.
    """

    scale: Scale
    drop: Callable[[C], C]

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self._guided(denoise, x, level, cond))

    def _guided(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        conditional, unconditional = doubled(denoise, x, level, cond, self.drop(cond))
        owner = owner_of(cond)
        # The velocity eps - x0 of a straight flow, times sigma: x - (alpha + sigma) x0.
        reach = (level.alpha + level.sigma).to(x)
        one, other = x - reach * conditional, x - reach * unconditional
        size = sum_per_sample(other * other, owner).clamp(min=torch.finfo(x.dtype).tiny)
        share = per_sample(sum_per_sample(one * other, owner) / size, x, owner)
        velocity = share * other + per_row(self.scale, x, level, cond) * (one - share * other)
        return (x - velocity) / reach
