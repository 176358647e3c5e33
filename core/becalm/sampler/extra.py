"""Diffusion-X: after the last step, denoise again and again at the lowest noise, adding none (Pearce et al. 2023).

    x <- E[x0 | alpha x],   alpha of the lowest noisy level

Each is a step of mean shift on the density that this level sees, so samples between the modes move to one: fewer
outliers, less diversity. The paper hands x itself to the denoiser; we scale it to the level's signal, without which the
fixed points are off by a share 1 - alpha, much under schedules whose lowest level is not near clean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class Extra(Sampler):
    """A sampler, and ``count`` more updates after its last step; one call of the denoiser each.

    The path must end clean, and its last noisy level is the one used.
    """

    kind: Literal["extra"] = "extra"
    sampler: Sampler = Field(description="The sampler.")
    count: int = Field(0, ge=0, description="How many more updates.")

    def along(self, path: Path) -> Path:
        own = self.sampler.along(path)
        return own + [path[-1]] * self.count if self.count else own

    def rows(self, path: Path) -> Sequence[Row]:
        """The sampler's rows, and of an update the lowest level."""
        own = path[: len(path) - self.count]
        return [*((None, tuple(row)) for row in self.sampler.rows(own)), *[(own[-2], None)] * self.count]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        lowest, own = row
        if lowest is None:
            return self.sampler.step(own, x, now, to, known, noise, carry)
        x0 = known(x * lowest.alpha, lowest)
        return x0, x0, None
