"""Heun on the probability-flow ODE: Euler's step, then the mean of both slopes (Karras et al. 2022, algorithm 1 and 2).

The Euler step is x_e = (s'/s) x + (a' - a s'/s) x0. Heun's adds half of dr (slope' - slope), and since
y_e - x0 = r' (y - x0) / r the difference of slopes is (x0 - x0') / r': it adds a' (r' - r) / (2 r') (x0 - x0').
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from becalm.errors import UserError
from becalm.sampler.churn import added, churned
from becalm.sampler.coefficients import carried, noisy_ends, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class Heun(Sampler):
    """Second order; two calls of the denoiser a step, one in a step to clean.

    Attributes:
        churn: S_churn of Karras et al. 2022, algorithm 2, over the whole path; 0 for the ODE.

    A path that starts at pure noise (alpha = 0), where y = x / alpha does not exist, is refused: spacings ``karras``
    and ``log_snr`` start at finite sigma / alpha.
    """

    kind: Literal["heun"] = "heun"
    spacing: ClassVar[str] = "karras"
    churn: float = Field(0.0, ge=0, description="Noise put back over the whole path.")

    def along(self, path: Path) -> Path:
        if bool((path.alpha == 0).any()):
            raise UserError(
                "Heun divides by alpha, which is 0 at the first level of this path: use spacing karras or log_snr, or "
                "another sampler"
            )
        return churned(path, self.churn)

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and x0, of the correction if there is one, and None; or of a move up the noise's deviation."""
        alpha, sigma = path.alpha, path.sigma
        keep = carried(sigma[:-1], sigma[1:])
        before, after = (sigma / alpha)[:-1], (sigma / alpha)[1:]
        correct = (alpha[1:] * (after - before) / (2 * after)).where(after > 0, after.new_zeros(()))
        coefficients = steps(keep, alpha[1:] - keep * alpha[:-1], correct, added(path))
        rows = zip(coefficients, noisy_ends(sigma), path.rises, strict=True)
        return [
            (None, None, None, std) if self.churn and up else (a, b, half if noisy else None, None)
            for (a, b, half, std), noisy, up in rows
        ]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, half, std = row
        if std is not None:
            return x + noise(x) * std, None, None
        x0 = known(x, now)
        x = x * keep + x0 * change
        return x if half is None else x + (x0 - known(x, to)) * half, x0, None
