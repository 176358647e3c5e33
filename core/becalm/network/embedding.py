"""What networks are told of a noise level: sines and cosines of its angle.

The angle atan2(sigma, alpha) in [0, pi/2] is finite from clean to pure noise, the same for any two schedules at the
same signal-to-noise ratio, and equal to pi/2 * t under the cosine schedule. Its waves have geometric frequencies, as
those of places in a text (Vaswani et al. 2017).
"""

import math
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel


def geometric(count: int, highest: float) -> Tensor:
    """Frequencies from 1 to ``highest``, in radians per radian, evenly spaced in their logarithm: (count,) float32."""
    return torch.exp(torch.linspace(0.0, math.log(highest), count, dtype=torch.float32))


def waves(level: NoiseLevel, frequencies: Tensor, x: Tensor) -> Tensor:
    """Sines, then cosines, of the level's angle: (1, 2 F) of a scalar level, (B, 2 F) of one per row; in x's dtype.

    Args:
        level: Scalar, or one per row of x; of one per coordinate the mean of the angles.
        frequencies: (F,) on x's device.
    """
    angle = level.angle.to(device=x.device, dtype=torch.float32).reshape(-1)
    if angle.numel() != level.t.numel():
        angle = angle.reshape(level.t.numel(), -1).mean(1)
    phase = angle[:, None] * frequencies
    return torch.cat([phase.sin(), phase.cos()], dim=1).to(x.dtype)


class NoiseConditioned(nn.Module):
    """A network that knows the noise level by waves of these ``frequencies``, a buffer.

    They stay float32 where the weights are cast to half precision, in which the phase of the high ones would be off by
    radians.
    """

    frequencies: Tensor

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        exact = self.frequencies
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.frequencies.dtype.itemsize < exact.dtype.itemsize:
            self.frequencies = exact.to(self.frequencies.device)
        return self
