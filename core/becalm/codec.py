"""Data to diffusion space and back: a normaliser, an autoencoder, a solution embedding are the same idea."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Codec(Protocol):
    """An invertible (or nearly invertible) map between data and the space that is noised."""

    def encode(self, data: Tensor) -> Tensor: ...

    def decode(self, x0: Tensor) -> Tensor: ...


class Identity(nn.Module):
    """Diffusion happens on the data themselves."""

    def encode(self, data: Tensor) -> Tensor:
        return data

    def decode(self, x0: Tensor) -> Tensor:
        return x0


class Affine(nn.Module):
    """x0 = (data - shift) / scale, per trailing dimension; its statistics are buffers and travel in the checkpoint.

    Args:
        shift, scale: Tensors that broadcast against the data; ``scale`` must not hold zeros.

    Raises:
        ValueError: If a statistic is missing (NaN) or a scale is zero.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        if not (torch.isfinite(shift).all() and torch.isfinite(scale).all()):
            raise ValueError("normaliser statistics must be finite; fit them on data first")
        if bool((scale == 0).any()):
            raise ValueError("normaliser scale must not be zero; give constant dimensions a scale of 1")
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)

    def encode(self, data: Tensor) -> Tensor:
        return (data - self.shift) / self.scale

    def decode(self, x0: Tensor) -> Tensor:
        return x0 * self.scale + self.shift

    @classmethod
    def bounds(cls, low: Tensor, high: Tensor) -> "Affine":
        """Maps [low, high] onto [-1, 1]; constant dimensions map to 0."""
        half = (high - low) / 2
        return cls((high + low) / 2, torch.where(half == 0, torch.ones_like(half), half))

    @classmethod
    def moments(cls, mean: Tensor, std: Tensor) -> "Affine":
        """Maps to zero mean and unit variance; constant dimensions map to 0."""
        return cls(mean, torch.where(std == 0, torch.ones_like(std), std))
