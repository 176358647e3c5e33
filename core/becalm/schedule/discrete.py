"""Schedules of tables of betas (Ho et al. 2020): a table of one's own, and the linear one."""

from functools import lru_cache
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double
from becalm.schedule.table import angles, interpolate


class Discrete(Schedule):
    """The schedule of a table of betas: level k of T is that of t = k / T.

    alpha_bar_k = prod_{i <= k} (1 - beta_i), alpha = sqrt(alpha_bar) (Ho et al. 2020, eq. 4). Between table entries the
    angle atan2(sigma, alpha) is interpolated linearly, which stays finite when the last beta is 1.
    """

    kind: Literal["discrete"] = "discrete"
    betas: tuple[float, ...] = Field(description="Variances added per step, each in (0, 1].", min_length=1)

    @property
    def finest(self) -> float:
        return 1 / len(self.betas)

    @model_validator(mode="after")
    def _check(self) -> "Discrete":
        for beta in self.betas:
            if not 0.0 < beta <= 1.0:
                raise ValueError(f"betas must lie in (0, 1], got {beta}")
        if 1.0 in self.betas[:-1]:
            raise ValueError("only the last beta may be 1: nothing is left after it")
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        return interpolate(_table(self.betas, t.device), double(t))


class Linear(Schedule):
    """Betas that grow linearly (Ho et al. 2020, section 4); with the defaults alpha_bar ends at 4e-5."""

    kind: Literal["linear"] = "linear"
    steps: int = Field(1000, ge=1, le=1_000_000, description="Number of betas.")
    first: float = Field(1e-4, gt=0, lt=1, description="First beta.")
    last: float = Field(0.02, gt=0, lt=1, description="Last beta.")

    @property
    def finest(self) -> float:
        return 1 / self.steps

    def __call__(self, t: Tensor) -> NoiseLevel:
        return interpolate(_grown(self.first, self.last, self.steps, t.device), double(t))


# Kept on the device: a training asks for levels in each step, and a copy from the host would wait.
@lru_cache(maxsize=16)
def _table(betas: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    return angles(torch.tensor(betas, dtype=torch.float64), device)


@lru_cache(maxsize=16)
def _grown(first: float, last: float, steps: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return angles(torch.linspace(first, last, steps, dtype=torch.float64), device)
