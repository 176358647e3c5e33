"""Guidance that replaces the estimate: a projection onto a set, a repair, a rounding."""

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

from becalm.denoiser.protocol import Denoiser, wrap
from becalm.guidance.protocol import Guidance
from becalm.level import NoiseLevel

C = TypeVar("C")


def project(function: Callable[[Tensor, NoiseLevel, C], Tensor]) -> Guidance[C]:
    """Replaces the estimate by ``function(x0, level, cond)``."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: function(denoise(x, level, cond), level, cond))

    return apply
