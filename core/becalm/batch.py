"""Rows and samples: x is one tensor of rows, and owner[row] says which sample a row belongs to.

A dense batch, one row per sample, is the case owner = 0 .. B - 1; a batch of integer programs of different sizes is one
flat tensor of variables. Only this file knows the difference.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.cond import to

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Generic[C]):
    """Clean samples and their conditions.

    Attributes:
        x0: (N, ...) rows.
        cond: Whatever the domain's network is conditioned on, or None.
        owner: (N,) sample of each row, ascending.
        size: Number of samples B.
    """

    x0: Tensor
    cond: C
    owner: Tensor
    size: int

    @classmethod
    def dense(cls, x0: Tensor, cond: C) -> "Batch[C]":
        """One row per sample."""
        return cls(x0, cond, torch.arange(len(x0), device=x0.device), len(x0))

    def to(self, device: torch.device | str) -> "Batch[C]":
        """The same batch on another device."""
        return Batch(self.x0.to(device), to(self.cond, device), self.owner.to(device), self.size)

    @property
    def is_dense(self) -> bool:
        """Whether each sample is one row."""
        return len(self.x0) == self.size

    def spread(self, values: Tensor) -> Tensor:
        """One value per sample, (B,), as one per row that broadcasts against x0: (N, 1, ..., 1)."""
        rows = values if self.is_dense else values.index_select(0, self.owner)
        return rows.reshape(-1, *[1] * (self.x0.dim() - 1))

    def mean(self, values: Tensor) -> Tensor:
        """The mean over each sample's entries, (B,), of values shaped like x0."""
        rows = values.flatten(1).mean(1) if values.dim() > 1 else values
        if self.is_dense:
            return rows
        zero = rows.new_zeros(self.size)
        count = zero.index_add(0, self.owner, torch.ones_like(rows))
        return zero.index_add(0, self.owner, rows) / count.clamp(min=1)
