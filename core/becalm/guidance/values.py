"""Data that are one of a few values, such as pixels: each estimate is drawn to the values that it is nearest to."""

from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.protocol import Guidance
from becalm.level import NoiseLevel

C = TypeVar("C")
_WIDEST = 0.5
_BESIDE = 4


def among(values: int) -> Guidance[C]:
    """Knows that each entry of x0 is one of ``values`` numbers, evenly spaced in [-1, 1].

    The estimate becomes the mean over the values, each weighted by a normal about the network's own estimate. It is as
    wide as the noise, and at most half as wide as the values are apart, so that it matters at low noise alone: there a
    network is off by more than the noise is, and a likelihood pays for that in every pixel. The counterpart, for the
    ODE, of the discretised decoder of Ho et al. 2020, eq. 13.

    Raises:
        UserError: If there are fewer than 2 values.
    """
    if values < 2:
        raise UserError(f"values must be at least 2, got {values}")
    apart = 2 / (values - 1)

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            x0 = denoise(x, level, cond)
            std = level.ratio.clamp(1e-3 * apart, _WIDEST * apart).to(x0)
            nearest = ((x0.detach() + 1) / apart).round().clamp(0, values - 1)
            beside = torch.arange(-_BESIDE, _BESIDE + 1, device=x0.device).reshape(-1, *(1 for _ in x0.shape))
            number = nearest + beside
            value = number * apart - 1
            weight = -(((x0 - value) / std) ** 2) / 2
            weight = torch.where((number >= 0) & (number < values), weight, -torch.inf).softmax(0)
            return (weight * value).sum(0)

        return wrap(denoise, guided)

    return apply
