"""The reverse SDE by Euler and Maruyama (Song et al. 2021b, eq. 6 and appendix D; Anderson 1982).

With drift f x and rate of noise g^2, both read off the path's alpha and sigma, a step of length h back in time is

    x <- x - h (f x - g^2 score(x)) + g sqrt(h) z,   f h = log(alpha / alpha'),   g^2 h = d sigma^2 - 2 f h sigma^2

It is of first order. DDPM's step is the same SDE's exact solution where the estimate does not change within the step,
and DPM-Solver++'s SDE form that with the estimate linear in it: these need fewer steps, and this one is a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from becalm.errors import UserError
from becalm.sampler.coefficients import noisy_ends, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class ReverseSDE(Sampler):
    """First order; one call of the denoiser a step. For hundreds of steps: a few of them overshoot.

    The step to a clean level, where the score is none, goes by the estimate.
    """

    kind: Literal["reverse_sde"] = "reverse_sde"
    spacing: ClassVar[str] = "karras"

    def along(self, path: Path) -> Path:
        if any(path.rises):
            raise UserError("reverse_sde walks down only: use ddpm, which adds noise on the way up")
        if bool((path.alpha == 0).any()):
            raise UserError(
                "the reverse SDE's drift is infinite at alpha = 0, the first level of this path: use spacing karras or "
                "log_snr"
            )
        return path

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and x0, and the noise's standard deviation; of a step to clean 0, 1 and None."""
        alpha, sigma = path.alpha, path.sigma
        drift = (alpha[:-1] / alpha[1:]).log()
        # g^2 h = sigma^2 - (alpha / alpha')^2 sigma'^2 to first order; this form is that of the SDE.
        added = (sigma[:-1] ** 2 - sigma[1:] ** 2 - 2 * drift * sigma[:-1] ** 2).clamp(min=0)
        share = added / sigma[:-1] ** 2
        rows = zip(steps(1 - drift - share, share * alpha[:-1], added.sqrt()), noisy_ends(sigma), strict=True)
        still = drift.new_zeros(drift.shape[1:])
        return [(*row,) if noisy else (still, still + 1, None) for row, noisy in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, std = row
        x0 = known(x, now)
        x = x * keep + x0 * change
        return x if std is None else x + noise(x) * std, x0, None
