"""Blur: a level per spatial frequency, so that details drown before outlines do.

    alpha_k = a d_k,   sigma_k = b,   d_k = floor + (1 - floor) exp(-lambda_k tau),   lambda_k = pi^2 sum_axes (k / n)^2

with a and b those of another schedule, and tau = (blur sin^2(pi t / 2))^2 / 2 the time of the heat equation that blurs
by a standard deviation of ``blur`` pixels at t = 1 (Hoogeboom and Salimans 2023, sections 3 and 4 and appendix A, where
noise is isotropic as well, so that frequencies differ in their signal alone). For the process ``rotated``, of as many
axes.
"""

import math
from functools import lru_cache
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.process.protocol import Process
from becalm.process.rotated import Rotated
from becalm.schedule.cosine import Cosine
from becalm.schedule.kind import Schedule, double


class Blur(Schedule):
    """Another schedule with the high frequencies' signal taken away first; a negative ``blur`` takes the low first.

    With blur 0 its levels are those of the other schedule, scalars and all.
    """

    kind: Literal["blur"] = "blur"
    sizes: tuple[int, ...] = Field(
        (28, 28), min_length=1, description="Lengths of the last axes of x, as the process rotated turns them."
    )
    blur: float = Field(
        20.0, description="Standard deviation of the blur at t = 1, in pixels; below 0 low frequencies go first."
    )
    floor: float = Field(0.001, gt=0, le=1, description="Share of a frequency's signal that no blur takes.")
    base: Schedule = Field(Cosine(), description="The schedule of signal and noise beneath the blur.")

    @property
    def finest(self) -> float:
        return self.base.finest

    def check(self, process: Process, rows: tuple[int, ...]) -> None:
        axes = len(self.sizes)
        if self.blur == 0:
            return
        if process != Rotated(axes=axes):
            raise UserError(
                f"schedule blur of {axes} sizes needs process rotated with axes {axes}, for images --noise rotated: "
                f"got {process.name}"
            )
        if rows[-axes:] != self.sizes:
            had, given = (",".join(map(str, sizes)) for sizes in (rows[-axes:], self.sizes))
            raise UserError(f"schedule blur needs sizes {had}, as the data have, got {given}")

    def __call__(self, t: Tensor) -> NoiseLevel:
        base = self.base(t)
        if self.blur == 0:
            return base
        t = double(t)
        tau = (self.blur * torch.sin(math.pi / 2 * t) ** 2) ** 2 / 2
        frequencies = _frequencies(self.sizes, self.blur < 0, t.device)
        spread = tau[(..., *(None for _ in self.sizes))]
        kept = self.floor + (1 - self.floor) * torch.exp(-frequencies * spread)
        alpha, sigma = (value[(..., *(None for _ in self.sizes))] for value in (base.alpha, base.sigma))
        return NoiseLevel(base.t, alpha * kept, sigma.expand_as(kept))


@lru_cache(maxsize=16)
def _frequencies(sizes: tuple[int, ...], reverse: bool, device: torch.device) -> Tensor:
    """lambda of each coordinate of the cosine basis, of shape ``sizes``; from the other end if reversed."""
    total = torch.zeros(sizes, dtype=torch.float64)
    for axis, size in enumerate(sizes):
        place = math.pi**2 * (torch.arange(size, dtype=torch.float64) / size) ** 2
        total = total + place.reshape(-1, *(1 for _ in sizes[axis + 1 :]))
    return (total.flip(tuple(range(len(sizes)))) if reverse else total).to(device)
