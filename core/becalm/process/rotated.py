"""Gaussian noise with levels per coordinate of an orthonormal basis: blurring is losing high frequencies first.

    x = V (alpha V^T x0 + sigma V^T eps),   V the discrete cosine transform of the last axes

(Hoogeboom and Salimans 2023, eq. 11, 14; Lee et al. 2022, section 3.) White noise is white in every orthonormal basis,
so with scalar levels this is ``Gaussian``. Samplers work in the coordinates V^T x, and so does a network's scaling.
"""

import math
from functools import lru_cache
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Noise, Process


class Rotated(Process):
    """Gaussian in the basis of cosines of the last ``axes`` axes; levels broadcast against V^T x."""

    kind: Literal["rotated"] = "rotated"
    gaussian: ClassVar[bool] = True
    axes: int = Field(2, ge=1, description="How many of the last axes are transformed: 2 for images, 1 for sequences.")

    def enter(self, x: Tensor) -> Tensor:
        return self._transform(x, inverse=False)

    def leave(self, x: Tensor) -> Tensor:
        return self._transform(x, inverse=True)

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return self.leave(GAUSSIAN.corrupt(self.enter(x0), level, noise))

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return self.leave(GAUSSIAN.up(self.enter(x), now, to, noise))

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return self.leave(GAUSSIAN.bridge(self.enter(x), self.enter(x0), now, to, noise))

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return self.leave(GAUSSIAN.prior(like, level, noise))

    def _transform(self, x: Tensor, *, inverse: bool) -> Tensor:
        for axis in range(-self.axes, 0):
            basis = cosines(x.shape[axis], x.device, x.dtype)
            x = (x.movedim(axis, -1) @ (basis if inverse else basis.T)).movedim(-1, axis)
        return x


@lru_cache(maxsize=64)
def cosines(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The orthonormal cosine basis (DCT-II), (size, size); row k is frequency k."""
    place = torch.arange(size, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (place + 0.5) * place[:, None]) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis.to(device, dtype)
