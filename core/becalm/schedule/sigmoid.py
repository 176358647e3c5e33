"""The sigmoid schedule (Jabri et al. 2022)."""

import math
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double


class Sigmoid(Schedule):
    """alpha_bar is a rescaled sigmoid falling from 1 to 0 (Jabri et al. 2022, algorithm 1)."""

    kind: Literal["sigmoid"] = "sigmoid"
    start: float = Field(-3.0, description="Argument of the sigmoid at t = 0.")
    end: float = Field(3.0, description="Argument of the sigmoid at t = 1.")
    tau: float = Field(1.0, gt=0, description="Temperature: larger is closer to linear.")

    @model_validator(mode="after")
    def _check(self) -> "Sigmoid":
        if self.start >= self.end:
            raise ValueError(f"start must be below end, got {self.start} and {self.end}")
        if max(abs(self.start), abs(self.end)) / self.tau > 700:
            raise ValueError(f"start / tau and end / tau must be at most 700 in size, got tau {self.tau}")
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        low, high = self.start / self.tau, self.end / self.tau
        here = low + t * (high - low)
        # sigmoid(a) - sigmoid(b) = sinh((a-b)/2) / (2 cosh(a/2) cosh(b/2)): no digits lost at either end.
        scale = math.sinh((high - low) / 2) / (math.cosh(high / 2) * math.cosh(low / 2))
        clean = torch.sinh((high - low) / 2 * (1 - t)) / (math.cosh(high / 2) * torch.cosh(here / 2)) / scale
        noise = torch.sinh((high - low) / 2 * t) / (math.cosh(low / 2) * torch.cosh(here / 2)) / scale
        return NoiseLevel(t, clean.sqrt(), noise.sqrt())
