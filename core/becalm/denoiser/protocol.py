"""What a denoiser is, and how one that is made of another passes on what the other knows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from becalm.cond import join
from becalm.level import NoiseLevel

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


@runtime_checkable
class Denoiser(Protocol[C_contra]):
    """Anything that maps (x, level, cond) to the expected clean sample, of x's shape."""

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C_contra) -> Tensor: ...


@runtime_checkable
class VarianceDenoiser(Denoiser[C_contra], Protocol[C_contra]):
    """A denoiser that also knows how far the reverse step spreads: a learned variance, moment matching."""

    def moments(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C_contra) -> tuple[Tensor, Tensor]:
        """The estimate of x0, and the log of the variance of x at ``to`` given x at ``level``; both of x's shape."""


@dataclass(frozen=True, eq=False)
class _Passing(Generic[C]):
    """A denoiser made of another whose variance it has."""

    function: Callable[[Tensor, NoiseLevel, C], Tensor]
    inner: VarianceDenoiser[C]

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return self.function(x, level, cond)

    def moments(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        return self.function(x, level, cond), self.inner.moments(x, level, to, cond)[1]


def wrap(denoise: Denoiser[C], function: Any) -> Denoiser[C]:
    """``function`` as the denoiser that ``denoise`` becomes by it, with the variance of ``denoise`` if it has one."""
    if isinstance(denoise, VarianceDenoiser):
        return _Passing(function, denoise)
    guided: Denoiser[C] = function
    return guided


def doubled(denoise: Denoiser[C], x: Tensor, level: NoiseLevel, first: C, second: C) -> tuple[Tensor, Tensor]:
    """The denoiser under two conditions, in one call of twice the batch."""
    both = denoise(torch.cat([x, x]), level, join([first, second]))
    one, other = both.chunk(2)
    return one, other
