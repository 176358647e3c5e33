"""Autoguidance: away from a worse model of the same data (Karras et al. 2024).

    x0 = worse + scale (model - worse)

The worse one is smaller, or was trained for a shorter time, or less averaged. No null condition is needed.
"""

from typing import TypeVar

from torch import Tensor

from becalm.denoiser.protocol import Denoiser, wrap
from becalm.guidance.protocol import Guidance, Scale, per_row
from becalm.level import NoiseLevel

C = TypeVar("C")


def autoguidance(worse: Denoiser[C], scale: Scale) -> Guidance[C]:
    """Extrapolates from the worse denoiser's estimate (eq. 3, on x0); one call of each.

    Args:
        scale: 1 is the model itself, above 1 sharper; 2 in the paper, about.
    """

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            good, bad = denoise(x, level, cond), worse(x, level, cond)
            return bad + per_row(scale, x, level, cond) * (good - bad)

        return wrap(denoise, guided)

    return apply
