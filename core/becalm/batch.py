"""Rows and samples: x is one tensor of rows, and owner[row] says which sample a row belongs to (segment ids).

A dense batch, one row per sample, is the case owner = 0 .. B - 1; a batch of integer programs of different sizes is one
flat tensor of variables. Only this file knows the difference.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.cond import check, to

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Generic[C]):
    """Clean samples and their conditions.

    Attributes:
        x0: (N, ...) rows: data as the domain has them, or in diffusion space once the trainer has encoded them.
        cond: Whatever the domain's network is conditioned on, or None.
        owner: (N,) sample of each row, ascending.
        size: Number of samples B.

    Raises:
        UserError: If the condition is of another number of samples.
    """

    x0: Tensor
    cond: C
    owner: Tensor
    size: int

    def __post_init__(self) -> None:
        check(self.cond, self.size)

    @classmethod
    def dense(cls, x0: Tensor, cond: C) -> "Batch[C]":
        """One row per sample."""
        return cls(x0, cond, torch.arange(len(x0), device=x0.device), len(x0))

    def to(self, device: torch.device | str) -> "Batch[C]":
        """The same batch on another device."""
        # Owners of a dense batch are known without a copy.
        owner = torch.arange(self.size, device=device) if self.is_dense else to(self.owner, device)
        return Batch(to(self.x0, device), to(self.cond, device), owner, self.size)

    @property
    def is_dense(self) -> bool:
        """Whether each sample is one row."""
        return len(self.x0) == self.size

    def rows(self, values: Tensor) -> Tensor:
        """One value per sample, (B,), as one per row, (N,)."""
        return values if self.is_dense else values.index_select(0, self.owner)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over each sample's entries, (B,), of values shaped like x0."""
        rows = values.flatten(1).mean(1) if values.dim() > 1 else values
        return rows if self.is_dense else _mean(rows, self.owner, self.size)


def per_sample(values: Tensor, x: Tensor, owner: Tensor | None) -> Tensor:
    """One value per sample, (B,), as one per row that broadcasts against x: (N, 1, ..., 1).

    Args:
        owner: (N,) sample of each row; None where each row is a sample.
    """
    rows = values if owner is None else values.index_select(0, owner)
    return rows.reshape(-1, *(1 for _ in x.shape[1:]))


def tile(values: Tensor, x: Tensor, owner: Tensor | None) -> Tensor:
    """One value per sample, (B, ...), where x may be several copies of the batch, one after another: a guidance around
    another one calls it under two conditions at once.
    """
    count = len(x) if owner is None else int(owner[-1]) + 1
    if len(values) in (1, count) or count % len(values):
        return values
    return values.repeat(count // len(values), *(1 for _ in values.shape[1:]))


def sum_per_sample(x: Tensor, owner: Tensor | None) -> Tensor:
    """The sum of each sample's entries, (B,)."""
    rows = x.reshape(len(x), -1).sum(1)
    return rows if owner is None else rows.new_zeros(int(owner[-1]) + 1).index_add(0, owner, rows)


def std_per_sample(x: Tensor, owner: Tensor | None) -> Tensor:
    """The standard deviation of each sample's entries, (B,) float64: a sum's last bit depends on the batch's size."""
    if owner is None:
        return x.reshape(len(x), -1).double().std(1)
    entries, of = _entries(x.double(), owner)
    size = int(owner[-1]) + 1
    squared = (entries - _mean(entries, of, size)[of]) ** 2
    count = torch.bincount(of, minlength=size)
    return (_mean(squared, of, size) * count / (count - 1)).sqrt()


def quantile_per_sample(x: Tensor, share: float, owner: Tensor | None) -> Tensor:
    """The quantile of each sample's entries, (B,) float32, linear between neighbours.

    Args:
        share: In [0, 1]; .5 is the median.
    """
    if owner is None:
        return torch.quantile(x.reshape(len(x), -1).float(), share, dim=1)
    entries, of = _entries(x.float(), owner)
    order = entries.argsort()
    entries = entries[order[of[order].argsort(stable=True)]]
    count = torch.bincount(of, minlength=int(owner[-1]) + 1)
    place = share * (count - 1).double()
    first = count.cumsum(0) - count
    below, above = (entries[first + end.long()] for end in (place.floor(), place.ceil()))
    return torch.lerp(below, above, (place - place.floor()).float())


def _entries(x: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
    """All entries of x in one axis, and the sample of each."""
    return x.flatten(), owner.repeat_interleave(x[0].numel())


def _mean(values: Tensor, owner: Tensor, size: int) -> Tensor:
    zero = values.new_zeros(size)
    count = zero.index_add(0, owner, torch.ones_like(values))
    return zero.index_add(0, owner, values) / count.clamp(min=1)
