"""The sub-VP SDE: the variance-preserving one's signal with less noise (Song et al. 2021b)."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double
from becalm.schedule.preserving import log_signal


class SubVariancePreserving(Schedule):
    """alpha as ``VariancePreserving``'s, sigma = 1 - alpha^2 (Song et al. 2021b, eq. 29).

    The total variance dips below 1 between the ends. A network sees x of unit variance all the same.
    """

    kind: Literal["sub_variance_preserving"] = "sub_variance_preserving"
    beta_min: float = Field(0.1, gt=0, description="Rate of noise at t = 0.")
    beta_max: float = Field(20.0, gt=0, description="Rate of noise at t = 1.")

    def __call__(self, t: Tensor) -> NoiseLevel:
        t, log_alpha = double(t), log_signal(t, self.beta_min, self.beta_max)
        return NoiseLevel(t, log_alpha.exp(), -torch.expm1(2 * log_alpha))
