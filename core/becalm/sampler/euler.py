"""Euler on the probability-flow ODE, in the variance-exploding view.

With y = x / alpha and r = sigma / alpha, every schedule has the same ODE  dy/dr = (y - x0(x)) / r  (Karras et al. 2022,
eq. 1 and section 5; Song et al. 2021, DDIM, eq. 14). Euler's step on it is DDIM's; what Euler adds here is ``churn``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from becalm.sampler.churn import added, churned
from becalm.sampler.coefficients import carried, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class Euler(Sampler):
    """First order; one call of the denoiser a step.

    Attributes:
        churn: Noise put back before each step, as in Karras et al. 2022, algorithm 2 (S_churn, over the whole path); 0
            for the ODE.
    """

    kind: Literal["euler"] = "euler"
    churn: float = Field(0.0, ge=0, description="Noise put back over the whole path.")

    def along(self, path: Path) -> Path:
        return churned(path, self.churn)

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and x0 and None, or of a move up the noise's standard deviation."""
        keep = carried(path.sigma[:-1], path.sigma[1:])
        rows = zip(steps(keep, path.alpha[1:] - keep * path.alpha[:-1], added(path)), path.rises, strict=True)
        return [(None, None, std) if self.churn and up else (a, b, None) for (a, b, std), up in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, std = row
        if std is not None:
            return x + noise(x) * std, None, None
        x0 = known(x, now)
        return x * keep + x0 * change, x0, None
