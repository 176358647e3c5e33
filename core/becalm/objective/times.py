"""Which noise levels are trained on: distributions of the time, and the weights that keep the loss unbiased."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from becalm.plugin.kinds import Kind, register
from becalm.schedule.kind import NoiseSchedule
from becalm.schedule.spacing import time_of_ratio


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What a training knows of its levels.

    Attributes:
        history: (bins,) float64 running means of the squared loss over equal parts of [0, 1]; 0 where nothing is known.
    """

    schedule: NoiseSchedule
    history: Tensor


class Times(Kind):
    """A distribution of the time."""

    room: ClassVar[str] = "times"
    remembers: ClassVar[bool] = False
    """Whether it learns from the losses, so that the trainer keeps their history."""

    @abstractmethod
    def draw(self, unit: Tensor, memory: Memory) -> Tensor:
        """Times in (0, 1], (B,) float64, from uniform numbers ``unit``."""

    def weight(self, t: Tensor, memory: Memory) -> Tensor:
        """What makes the mean over these times one over uniform ones, if that is meant; (B,)."""
        return torch.ones_like(t)


class Uniform(Times):
    """t uniform in (0, 1)."""

    kind: Literal["uniform"] = "uniform"

    def draw(self, unit: Tensor, memory: Memory) -> Tensor:
        return unit


class LogNormal(Times):
    """log(sigma/alpha) is normal (Karras et al. 2022, table 1, whose values for images are mean -1.2 and std 1.2).

    The density of t is part of the objective, as in the paper.
    """

    kind: Literal["log_normal"] = "log_normal"
    mean: float = Field(-1.2, description="Mean of log(sigma/alpha).")
    std: float = Field(1.2, gt=0, description="Standard deviation of log(sigma/alpha).")

    def draw(self, unit: Tensor, memory: Memory) -> Tensor:
        ratio = torch.exp(self.mean + self.std * math.sqrt(2.0) * torch.erfinv(2 * unit - 1))
        return time_of_ratio(memory.schedule, ratio)


class Importance(Times):
    """t in proportion to sqrt(E[loss^2]) as seen so far, unbiased by weights (Nichol and Dhariwal 2021, eq. 18)."""

    kind: Literal["importance"] = "importance"
    remembers: ClassVar[bool] = True
    floor: float = Field(0.1, gt=0, le=1, description="Share of the draws that stays uniform.")

    def draw(self, unit: Tensor, memory: Memory) -> Tensor:
        """By inverting the piecewise constant density over the bins."""
        share = self._shares(memory.history)
        edges = torch.cat([share.new_zeros(1), share.cumsum(0)])
        edges = edges / edges[-1]
        bin_ = torch.searchsorted(edges[1:-1].contiguous(), unit, right=True)
        inside = (unit - edges[bin_]) / (edges[bin_ + 1] - edges[bin_])
        return (bin_ + inside) / len(share)

    def weight(self, t: Tensor, memory: Memory) -> Tensor:
        """1 / density."""
        share = self._shares(memory.history)
        return 1 / (share[(t * len(share)).long().clamp(0, len(share) - 1)] * len(share))

    def _shares(self, history: Tensor) -> Tensor:
        share = history.sqrt()
        share = torch.where((history > 0).all(), share / share.sum(), 1 / len(share))
        return self.floor / len(share) + (1 - self.floor) * share


class Fixed(Times):
    """A few times and no others, each in an equal share of every batch.

    With prediction x0 on the flow schedule, (1) is regression to the data, since x at t = 1 is pure noise, and (1, 0.1)
    is the minimal iterative policy of Pan et al. 2025, whose time is 1 - t.
    """

    kind: Literal["fixed"] = "fixed"
    times: tuple[float, ...] = Field((1.0,), description="Times trained on, each in (0, 1].")

    @field_validator("times")
    @classmethod
    def _check(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not times or not all(0 < time <= 1 for time in times):
            listed = ", ".join(f"{time:g}" for time in times) or "none"
            raise ValueError(f"times must lie in (0, 1], got {listed}")
        return times

    def draw(self, unit: Tensor, memory: Memory) -> Tensor:
        """By the rank of ``unit``: equal shares where the times divide the batch, else equal on average."""
        rank = unit.argsort().argsort()
        # A number drawn anew per batch, short of 1, so that no share depends on how a quotient is rounded.
        phase = (unit.min() * len(unit)).clamp(max=1 - 1e-6)
        number = ((rank + phase) * len(self.times) / len(unit)).long()
        return _on(self.times, unit.dtype, unit.device)[number]


@lru_cache(maxsize=16)
def _on(times: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The times on a device: a copy of them in each step would wait for it."""
    return torch.tensor(times, dtype=dtype, device=device)


for _kind in (Uniform, LogNormal, Importance, Fixed):
    register(_kind)
