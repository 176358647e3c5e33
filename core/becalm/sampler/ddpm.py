"""DDPM: ancestral sampling, a draw of the posterior from each level to the next (Ho et al. 2020, algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from becalm.sampler.coefficients import noisy_ends, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class DDPM(Sampler):
    """Ancestral sampling; one call of the denoiser a step. Walks with every process; moves up add noise.

    Attributes:
        variance: ``small``: that of the posterior, right for data of zero variance. ``large``: right for data of unit
            variance. ``learned``: between the two in log space, by the network (Nichol and Dhariwal 2021, eq. 15).

    A step to a clean level adds no noise.
    """

    kind: Literal["ddpm"] = "ddpm"
    gaussian: ClassVar[bool] = False
    variance: Literal["small", "large", "learned"] = Field("small", description="Variance of the steps.")

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and x0, the noise's standard deviation, whether there is any, and whether the step goes up."""
        from becalm.process.gaussian import posterior

        keep, change, small, large = posterior(path.alpha[:-1], path.sigma[:-1], path.alpha[1:], path.sigma[1:])
        std = (large if self.variance == "large" else small).sqrt()
        flags = zip(noisy_ends(path.sigma), path.rises, strict=True)
        return [(*row, *flag) for row, flag in zip(steps(keep, change, std), flags, strict=True)]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, std, noisy, up = row
        if up:
            return known.process.up(x, now, to, noise), x if carry is None else carry, carry
        if not known.process.gaussian:
            x0 = known(x, now)
            return known.process.bridge(x, x0, now, to, noise), x0, x0
        if self.variance == "learned":
            x0, log_variance = known.moments(x, now, to)
            std = (0.5 * log_variance).exp()
        else:
            x0 = known(x, now)
        moved = (x * keep).add_(x0 * change)
        return moved.add_(noise(x) * std) if noisy else moved, x0, x0
