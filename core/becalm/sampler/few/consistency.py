"""Multistep consistency sampling: to clean in one call, and back up by fresh noise (Song et al. 2023, algorithm 1).

    x' = alpha' x0 + sigma' z,    x0 = f(x) the end of the ODE's path through x

With a denoiser in place of a consistency function it would sample too narrow a distribution: its estimate is a mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from becalm.sampler.coefficients import noisy_ends, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class Consistency(Sampler):
    """One call a step, each a whole sample; for checkpoints from ``becalm distil``. Walks with every process."""

    kind: Literal["consistency"] = "consistency"
    gaussian: ClassVar[bool] = False

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x0 and of the fresh noise, and whether there is any."""
        ends = zip(steps(path.alpha[1:], path.sigma[1:]), noisy_ends(path.sigma), strict=True)
        return [(*row, noisy) for row, noisy in ends]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        alpha, sigma, noisy = row
        x0 = known(x, now)
        if not noisy:
            return x0, x0, None
        if not known.process.gaussian:
            return known.process.corrupt(x0, to, noise), x0, None
        return x0 * alpha + noise(x0) * sigma, x0, None
