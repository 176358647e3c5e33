"""Langevin dynamics, and what is made of it: annealed, a chain of it at each level of a path (Song and Ermon 2019).

    x <- x + e score(x) + sqrt(2 e) z,   e = 2 (snr sigma)^2,   score(x) = (alpha x0 - x) / sigma^2

so  x <- x + 2 snr^2 (alpha x0 - x) + 2 snr sigma z.  The step's size is that of Song et al. 2021b, algorithm 4, with
sigma in place of |z| / |score| over the batch, which would tie samples to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from becalm.errors import UserError
from becalm.sampler.coefficients import noisy_ends, quotient, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class Langevin(Sampler):
    """Annealed Langevin dynamics; ``count`` calls of the denoiser a step, one more in the last.

    At each level ``count`` updates; then x is taken to the next level as it is, in the scale of its signal. As only the
    updates bring the noise down, levels must be near each other, and many. To a clean level it goes by the estimate
    (Jolicoeur-Martineau et al. 2021), without which a rest of noise stays.

    Attributes:
        snr: Size of an update, as the paper's r; small ones are exact and slow.
    """

    kind: Literal["langevin"] = "langevin"
    spacing: ClassVar[str] = "karras"
    snr: float = Field(0.16, gt=0, lt=1, description="Size of a Langevin update: signal to noise in it.")
    count: int = Field(1, ge=1, description="How often at each level.")

    def rows(self, path: Path) -> Sequence[Row]:
        """The updates' factor and spread at each level, and the ratio of the signals, None to a clean level."""
        pull = path.sigma.new_full((len(path) - 1,), 2 * self.snr**2)
        ratio = quotient(path.alpha[1:], path.alpha[:-1])
        rows = zip(steps(pull, 2 * self.snr * path.sigma[:-1], ratio), noisy_ends(path.sigma), strict=True)
        return [(*row, ratio if noisy else None) for (*row, ratio), noisy in rows]

    def along(self, path: Path) -> Path:
        if any(path.rises):
            raise UserError("langevin walks down only: use ddpm, which adds noise on the way up")
        if bool((path.alpha == 0).any()):
            raise UserError(
                "Langevin takes x from level to level by alpha, which is 0 at the first of this path: use spacing "
                "karras or log_snr"
            )
        return path

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        pull, spread, ratio = row
        for _ in range(self.count):
            x0 = known(x, now)
            x = x + pull * (now.alpha.to(x) * x0 - x) + spread * noise(x)
        if ratio is None:
            x = x0 = known(x, now)
            return x, x0, None
        return x * ratio, x0, None
