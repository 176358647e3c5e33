"""The trace of a denoiser's Jacobian: exact, a coordinate at a time, or estimated along random signs.

    tr J = sum_i e_i J e_i = E v J v,   v of independent signs

(Hutchinson 1990; Grathwohl et al. 2019.) Each vector costs a pass back through the denoiser.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.batch import sum_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.level import NoiseLevel

C = TypeVar("C")
Noise = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Traced(Generic[C]):
    """A denoiser that also says the trace of its Jacobian.

    Attributes:
        signs: Vectors of signs of x's shape; None for the exact trace.
    """

    denoise: Denoiser[C]
    cond: C
    signs: tuple[Tensor, ...] | None

    def __call__(self, x: Tensor, level: NoiseLevel) -> tuple[Tensor, Tensor]:
        """The estimate of x0, and tr(d x0 / d x) of each sample, (B,) float64."""
        owner = owner_of(self.cond)
        vectors = units(x, owner) if self.signs is None else iter(self.signs)
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            x0 = self.denoise(leaf, level, self.cond)
            if not x0.requires_grad:
                raise UserError("a likelihood needs a denoiser that can be derived; this one computes no gradient")
            total, count = x.new_zeros((), dtype=torch.float64), 0
            for vector in vectors:
                (slope,) = torch.autograd.grad(x0, leaf, vector, retain_graph=True)
                total, count = total + sum_per_sample(slope.double() * vector, owner), count + 1
        return x0.detach(), total if self.signs is None else total / count


def units(x: Tensor, owner: Tensor | None) -> Iterator[Tensor]:
    """For each coordinate of the largest sample, 1 at that coordinate of every sample that has it, of x's shape."""
    width = x[0].numel()
    row = torch.zeros(len(x), dtype=torch.long, device=x.device) if owner is None else _rank(owner)
    number = (row[:, None] * width + torch.arange(width, device=x.device)).reshape(x.shape)
    for index in range(int(number.max()) + 1):
        yield (number == index).to(x)


def signs(x: Tensor, count: int, noise: Noise) -> tuple[Tensor, ...]:
    """``count`` vectors of independent signs, of x's shape."""
    one = torch.ones_like(x)
    return tuple(torch.where(noise(x) < 0, -one, one) for _ in range(count))


def _rank(owner: Tensor) -> Tensor:
    """The number of each row within its sample."""
    place = torch.arange(len(owner), device=owner.device)
    first = torch.cat([place.new_ones(1), (owner.diff() != 0).long()]) * place
    return place - torch.cummax(first, 0).values
