"""The variance-preserving SDE (Song et al. 2021b)."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double


class VariancePreserving(Schedule):
    """log alpha = -t^2 (beta_max - beta_min) / 4 - t beta_min / 2 (Song et al. 2021b, eq. 33)."""

    kind: Literal["variance_preserving"] = "variance_preserving"
    beta_min: float = Field(0.1, gt=0, description="Rate of noise at t = 0.")
    beta_max: float = Field(20.0, gt=0, description="Rate of noise at t = 1.")

    def __call__(self, t: Tensor) -> NoiseLevel:
        t, log_alpha = double(t), log_signal(t, self.beta_min, self.beta_max)
        return NoiseLevel(t, log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt())


def log_signal(t: Tensor, beta_min: float, beta_max: float) -> Tensor:
    """log alpha of a rate of noise that grows evenly in time, float64."""
    t = double(t)
    return -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
