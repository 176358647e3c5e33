"""DDIM: steps that need not be Markovian, from each level to the next (Song et al. 2021, eq. 12).

x' = alpha' x0 + sqrt(sigma'^2 - std^2) eps + std z,    eps = (x - alpha x0) / sigma,    std = eta * DDPM's small one
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from becalm.sampler.coefficients import carried, noisy_ends, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class DDIM(Sampler):
    """One call of the denoiser a step; eta = 0 is deterministic, up as well as down, eta = 1 is DDPM's small variance.

    Attributes:
        eta: Factor of the standard deviation, as in the paper (some libraries multiply the variance).
        clip_sample: Bound of the estimate of x0, while eps stays that of the estimate as it was, as diffusers has it;
            a guidance that clips takes eps from the clipped estimate.
    """

    kind: Literal["ddim"] = "ddim"
    eta: float = Field(0.0, ge=0, le=1, description="Noise put back each step, 1 as much as ddpm.")
    clip_sample: float = Field(
        0.0, ge=0, description="Clip the estimate to -this and this, but not the noise that it tells; 0 is off."
    )

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and of x0, and the standard deviation of the noise, None where there is none."""
        from becalm.process.gaussian import posterior

        alpha, sigma = path.alpha, path.sigma
        std = self.eta * posterior(alpha[:-1], sigma[:-1], alpha[1:], sigma[1:])[2].sqrt()
        keep = carried(sigma[:-1], (sigma[1:] ** 2 - std**2).clamp(min=0).sqrt())
        rows = zip(steps(keep, alpha[1:] - keep * alpha[:-1], std), noisy_ends(sigma), path.rises, strict=True)
        return [(a, b, spread if self.eta and noisy and not up else None) for (a, b, spread), noisy, up in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, std = row
        x0 = known(x, now)
        x = (x * keep).addcmul_(x0, change)
        if self.clip_sample:
            clipped = x0.clamp(-self.clip_sample, self.clip_sample)
            x, x0 = x + (clipped - x0) * to.alpha.to(x), clipped
        return x if std is None else x + noise(x) * std, x0, None
