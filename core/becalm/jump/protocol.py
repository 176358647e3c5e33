"""What a jump is."""

from typing import Protocol, TypeVar

from torch import Tensor

from becalm.level import NoiseLevel

C_contra = TypeVar("C_contra", contravariant=True)


class Jump(Protocol[C_contra]):
    """Anything that takes x at one level to x at another, of x's shape."""

    def __call__(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C_contra) -> Tensor: ...
