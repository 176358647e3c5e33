"""How much each noise level counts, as a weight of the squared error of x0.

An error of the output is c times one of x0, c = (q alpha - sigma p) / sigma, so a weight of the x0 error names the same
objective whatever the network predicts; only ``simple`` asks what that is.
"""

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.plugin.kinds import Kind, register
from becalm.prediction import Prediction, gain


class Weighting(Kind):
    """A weight per level."""

    room: ClassVar[str] = "weighting"

    @abstractmethod
    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        """Weight of the squared error of x0 at a noisy level, of the level's shape."""


class Simple(Weighting):
    """The error of the output as it is (Ho et al. 2020, eq. 14)."""

    kind: Literal["simple"] = "simple"

    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        return 1 / gain(prediction, level) ** 2 if prediction != "x0" else torch.ones_like(level.alpha)


class Snr(Weighting):
    """As a simple loss of eps."""

    kind: Literal["snr"] = "snr"

    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        return (level.alpha / level.sigma) ** 2


class MinSnr(Weighting):
    """The signal-to-noise ratio up to a cap (Hang et al. 2023, eq. 4)."""

    kind: Literal["min_snr"] = "min_snr"
    gamma: float = Field(5.0, gt=0, description="Cap of the weight.")

    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        return ((level.alpha / level.sigma) ** 2).clamp(max=self.gamma)


class P2(Weighting):
    """Perception prioritised: a simple loss of eps over 1 + snr (Choi et al. 2022, eq. 8, gamma = k = 1)."""

    kind: Literal["p2"] = "p2"

    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        return level.alpha**2 / (level.sigma**2 + level.alpha**2)


class Edm(Weighting):
    """Unit weight of the preconditioned output, data of unit variance (Karras et al. 2022, table 1)."""

    kind: Literal["edm"] = "edm"

    def weight(self, level: NoiseLevel, prediction: Prediction) -> Tensor:
        return 1 + (level.alpha / level.sigma) ** 2


for _kind in (Simple, Snr, MinSnr, P2, Edm):
    register(_kind)
