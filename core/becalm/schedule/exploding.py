"""Schedules whose signal stays and whose noise explodes (Karras et al. 2022; Song et al. 2021b)."""

import math
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, check_ordered, double


class Karras(Schedule):
    """sigma^(1/rho) linear in t from low to high, alpha = 1 (Karras et al. 2022, eq. 5). t = 0 is ``low``."""

    kind: Literal["karras"] = "karras"
    low: float = Field(0.002, gt=0, description="sigma at t = 0.")
    high: float = Field(80.0, gt=0, description="sigma at t = 1.")
    rho: float = Field(7.0, gt=0, description="Larger spends more of the time at low noise.")

    @model_validator(mode="after")
    def _check(self) -> "Karras":
        check_ordered(self.low, self.high)
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return NoiseLevel(t, torch.ones_like(t), (low + t * (high - low)) ** self.rho)


class VarianceExploding(Schedule):
    """sigma = low (high / low)^t, alpha = 1 (Song et al. 2021b, appendix C). t = 0 holds ``low``, not clean."""

    kind: Literal["variance_exploding"] = "variance_exploding"
    low: float = Field(0.01, gt=0, description="sigma at t = 0.")
    high: float = Field(50.0, gt=0, description="sigma at t = 1.")

    @model_validator(mode="after")
    def _check(self) -> "VarianceExploding":
        check_ordered(self.low, self.high)
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        return NoiseLevel(t, torch.ones_like(t), self.low * torch.exp(t * math.log(self.high / self.low)))
