"""Thresholds keep the estimate within the data's range (Saharia et al. 2022, section 2.3)."""

from typing import TypeVar

import torch
from torch import Tensor

from becalm.batch import per_sample, quantile_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.protocol import Guidance
from becalm.level import NoiseLevel

C = TypeVar("C")


def clamp(low: float, high: float) -> Guidance[C]:
    """Static thresholding: clips the estimate."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: denoise(x, level, cond).clamp(low, high))

    return apply


def dynamic_threshold(quantile: float, low: float = 1.0) -> Guidance[C]:
    """Scales a sample whose ``quantile`` of |x0| exceeds ``low`` back to that, after clipping.

    Args:
        quantile: In (0, 1]; .995 in the paper.
        low: Largest honest |x0|: 1 for data in [-1, 1].
    """
    if not 0.0 < quantile <= 1.0:
        raise UserError(f"quantile must be above 0 and at most 1, got {quantile}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            x0, owner = denoise(x, level, cond), owner_of(cond)
            bound = per_sample(quantile_per_sample(x0.abs(), quantile, owner).clamp(min=low).to(x0), x0, owner)
            return torch.minimum(torch.maximum(x0, -bound), bound) * (low / bound)

        return wrap(denoise, guided)

    return apply
