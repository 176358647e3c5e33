"""SDE-DPM-Solver++(2M): the reverse SDE, second order, multistep (Lu et al. 2022b, appendix D)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from becalm.errors import UserError
from becalm.sampler.coefficients import noisy_ends, second_order, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class DPMppSDE(Sampler):
    """Second order, multistep, on the reverse SDE; one call of the denoiser a step.

    Its first-order form is DDPM with the small variance: only the estimate differs, taken at the step's middle.
    """

    kind: Literal["dpmppsde"] = "dpmppsde"

    def along(self, path: Path) -> Path:
        if any(path.rises):
            raise UserError(
                "dpmppsde walks down only: use ddpm, which adds noise on the way up, or ddim, which encodes"
            )
        return path

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x, of this estimate and of the last one; standard deviation of the noise, None without any."""
        from becalm.process.gaussian import posterior

        keep, gain, small, _ = posterior(path.alpha[:-1], path.sigma[:-1], path.alpha[1:], path.sigma[1:])
        _, _, now, before = second_order(path)
        rows = zip(steps(keep, gain * now, gain * before, small.sqrt()), noisy_ends(path.sigma), strict=True)
        return [(*row, std if noisy else None) for (*row, std), noisy in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, before, std = row
        x0 = known(x, now)
        x = (x * keep).add_(x0 * change)
        if carry is not None:
            x.add_(carry * before)
        return x if std is None else x.add_(noise(x) * std), x0, x0
