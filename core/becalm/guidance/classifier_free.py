"""Classifier-free guidance (Ho and Salimans 2022)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from becalm.denoiser.protocol import Denoiser, doubled, wrap
from becalm.guidance.protocol import Scale, per_row
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class ClassifierFree(Generic[C]):
    """Extrapolates from the unconditional to the conditional estimate (Ho and Salimans 2022, eq. 6).

    x0 = unconditional + scale (conditional - unconditional); linear in x0 as in eps, since each is
    affine in the other.

    Attributes:
        scale: 0 is unconditional, 1 conditional (either costs one call of the denoiser), above 1 sharper
            (one call of 2B).
        drop: Makes the null condition of a condition.
    """

    scale: Scale
    drop: Callable[[C], C]

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        if not isinstance(self.scale, Tensor) and self.scale == 1:
            return denoise
        if not isinstance(self.scale, Tensor) and self.scale == 0:
            return wrap(denoise, lambda x, level, cond: denoise(x, level, self.drop(cond)))
        return wrap(denoise, lambda x, level, cond: self.both(denoise, x, level, cond)[0])

    def both(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        """The guided and the conditional estimate, from one batched call."""
        conditional, unconditional = doubled(denoise, x, level, cond, self.drop(cond))
        return unconditional + per_row(self.scale, x, level, cond) * (conditional - unconditional), conditional
