"""The cosine schedule (Nichol and Dhariwal 2021)."""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double


class Cosine(Schedule):
    """alpha = cos(pi/2 (t + s) / (1 + s)) / cos(pi/2 s / (1 + s)) (Nichol and Dhariwal 2021, eq. 17).

    The paper clips the last beta at .999; here alpha reaches 0 at t = 1, so sampling starts from the noise trained on.
    """

    kind: Literal["cosine"] = "cosine"
    offset: float = Field(
        0.008, ge=0, lt=1, description="Offset s: keeps the noise near t = 0 from vanishing too fast."
    )

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        quarter = math.pi / 2 / (1 + self.offset)
        # cos(u) written as sin(pi/2 - u): exactly 0 at t = 1 and accurate beside it.
        alpha = torch.sin(quarter * (1 - t)) / math.cos(quarter * self.offset)
        # sigma^2 = 1 - alpha^2 loses its digits near t = 0; the product form does not.
        low, high = quarter * t, quarter * (t + 2 * self.offset)
        sigma = (torch.sin(low) * torch.sin(high)).clamp(min=0).sqrt() / math.cos(quarter * self.offset)
        return NoiseLevel(t, alpha, sigma)
