"""Data to diffusion space and back: a normaliser, relative actions, an autoencoder, a solution embedding are one idea.

Data are data everywhere but in the core: a domain's batches, metrics, arrays and pictures deal in them. The trainer
encodes, ``Model`` decodes.
"""

from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from becalm.errors import UserError

C_contra = TypeVar("C_contra", contravariant=True)


@runtime_checkable
class Codec(Protocol[C_contra]):
    """An invertible (or nearly invertible) map between data and the space that is noised, row by row.

    One that is an nn.Module has its state in the checkpoint.
    """

    def encode(self, data: Tensor, cond: C_contra) -> Tensor:
        """x0 of data whose conditions are ``cond``."""

    def decode(self, x0: Tensor, cond: C_contra) -> Tensor:
        """Data of x0."""


@runtime_checkable
class Density(Protocol[C_contra]):
    """What a codec has that changes densities by a known factor: with it data have a likelihood."""

    def log_det(self, data: Tensor, cond: C_contra) -> Tensor:
        """log |det d x0 / d data| of each row, (N,)."""


class Identity(nn.Module):
    """Diffusion happens on the data themselves."""

    def encode(self, data: Tensor, cond: object = None) -> Tensor:
        return data

    def decode(self, x0: Tensor, cond: object = None) -> Tensor:
        return x0

    def log_det(self, data: Tensor, cond: object = None) -> Tensor:
        return torch.zeros(len(data), dtype=torch.float64, device=data.device)


class Affine(nn.Module):
    """x0 = (data - shift) / scale, per trailing dimension; its statistics are buffers and travel in the checkpoint.

    Args:
        shift, scale: Tensors that broadcast against the data; ``scale`` must not hold zeros.

    Raises:
        UserError: If a statistic is missing (NaN) or a scale is zero.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        if not (torch.isfinite(shift).all() and torch.isfinite(scale).all()):
            raise UserError("normaliser statistics must be finite; fit them on data first")
        if bool((scale == 0).any()):
            raise UserError("normaliser scale must not be zero; give constant dimensions a scale of 1")
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)

    def encode(self, data: Tensor, cond: object = None) -> Tensor:
        return (data - self.shift) / self.scale

    def decode(self, x0: Tensor, cond: object = None) -> Tensor:
        return x0 * self.scale + self.shift

    def log_det(self, data: Tensor, cond: object = None) -> Tensor:
        each = -self.scale.double().abs().log()
        return each.expand(data.shape).reshape(len(data), -1).sum(1)

    @classmethod
    def bounds(cls, low: Tensor, high: Tensor) -> "Affine":
        """Maps [low, high] onto [-1, 1]; constant dimensions map to 0."""
        half = (high - low) / 2
        return cls((high + low) / 2, torch.where(half == 0, torch.ones_like(half), half))

    @classmethod
    def moments(cls, mean: Tensor, std: Tensor) -> "Affine":
        """Maps to zero mean and unit variance; constant dimensions map to 0."""
        return cls(mean, torch.where(std == 0, torch.ones_like(std), std))
