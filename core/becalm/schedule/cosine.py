"""The cosine schedule (Nichol and Dhariwal 2021), and the same as a table with capped betas."""

import math
from functools import lru_cache
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double
from becalm.schedule.table import angles, betas, interpolate


class Cosine(Schedule):
    """alpha = cos(pi/2 (t + s) / (1 + s)) / cos(pi/2 s / (1 + s)) (Nichol and Dhariwal 2021, eq. 17).

    The paper clips the last beta at .999; here alpha reaches 0 at t = 1, so sampling starts from the noise trained on.
    A network that predicts noise learns nothing there: it is trained with the paper's, ``capped``.
    """

    kind: Literal["cosine"] = "cosine"
    offset: float = Field(
        0.008, ge=0, lt=1, description="Offset s: keeps the noise near t = 0 from vanishing too fast."
    )

    def capped(self) -> Schedule:
        """A table of 1000 betas, capped."""
        return CappedCosine(offset=self.offset)

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        quarter = math.pi / 2 / (1 + self.offset)
        # cos(u) written as sin(pi/2 - u): exactly 0 at t = 1 and accurate beside it.
        alpha = torch.sin(quarter * (1 - t)) / math.cos(quarter * self.offset)
        # sigma^2 = 1 - alpha^2 loses its digits near t = 0; the product form does not.
        low, high = quarter * t, quarter * (t + 2 * self.offset)
        sigma = (torch.sin(low) * torch.sin(high)).clamp(min=0).sqrt() / math.cos(quarter * self.offset)
        return NoiseLevel(t, alpha, sigma)


class CappedCosine(Schedule):
    """beta_k = min(1 - alpha_bar_k / alpha_bar_{k-1}, cap): ``squaredcos_cap_v2`` of diffusers and Diffusion Policy.

    The cap keeps a trace of the data at t = 1, so that a network that predicts noise can be trained; between entries
    of the table the angle is interpolated, as by ``Discrete``.
    """

    kind: Literal["squaredcos_cap_v2"] = "squaredcos_cap_v2"
    steps: int = Field(1000, ge=1, le=1_000_000, description="Number of betas.")
    offset: float = Field(
        0.008, ge=0, lt=1, description="Offset s: keeps the noise near t = 0 from vanishing too fast."
    )
    cap: float = Field(0.999, gt=0, lt=1, description="Largest beta.")

    @property
    def finest(self) -> float:
        return 1 / self.steps

    def __call__(self, t: Tensor) -> NoiseLevel:
        return interpolate(_table(self.steps, self.offset, self.cap, t.device), double(t))


@lru_cache(maxsize=16)
def _table(steps: int, offset: float, cap: float, device: torch.device) -> tuple[Tensor, Tensor]:
    return angles(betas(Cosine(offset=offset), steps).clamp(max=cap), device)
