"""A sampler's step, then another's that stays at the level reached (Song et al. 2021b, algorithm 1).

Langevin updates there bring the samples nearer to the distribution that this level should have, whatever error the step
has made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from becalm.errors import UserError
from becalm.sampler.coefficients import noisy_ends
from becalm.sampler.ddpm import DDPM
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler
from becalm.sampler.stochastic.langevin import Langevin

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class PredictorCorrector(Sampler):
    """Made of two samplers: their calls of the denoiser a step, the corrector's ``count`` times.

    A multistep predictor keeps its past estimates, which belong to where x was before it was corrected: one of a single
    step, such as ddpm, ddim, euler or heun, is corrected cleanly.

    Attributes:
        corrector: Walks from a level to itself, as langevin does.
    """

    kind: Literal["predictor_corrector"] = "predictor_corrector"
    predictor: Sampler = Field(DDPM(), description="What goes from level to level.")
    corrector: Sampler = Field(Langevin(), description="What stays at the level reached.")
    count: int = Field(1, ge=1, description="How often at each level.")

    def along(self, path: Path) -> Path:
        own = self.predictor.along(path)
        if any(own.rises):
            raise UserError("predictor_corrector walks down only: use its predictor alone, without churn")
        self.corrector.along(own[1:])
        return own

    def rows(self, path: Path) -> Sequence[Row]:
        """The predictor's rows, and the corrector's at the level reached, None where that is clean."""
        still = type(path).of([level for level in path[1:] for _ in range(2)])
        corrections = self.corrector.rows(still)[::2]
        rows = zip(self.predictor.rows(path), corrections, noisy_ends(path.sigma), strict=True)
        return [(tuple(row), tuple(correction) if noisy else None) for row, correction, noisy in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        predicted, correction = row
        x, x0, carry = self.predictor.step(predicted, x, now, to, known, noise, carry)
        if correction is not None:
            for _ in range(self.count):
                x, _, _ = self.corrector.step(correction, x, to, to, known, noise, None)
        return x, x0, carry
