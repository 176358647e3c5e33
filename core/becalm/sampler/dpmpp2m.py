"""DPM-Solver++(2M): second order, multistep (Lu et al. 2022b, algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from becalm.sampler.coefficients import second_order, steps
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class DPMpp2M(Sampler):
    """Second order, multistep, one call of the denoiser a step."""

    kind: Literal["dpmpp2m"] = "dpmpp2m"

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x, of this estimate and of the last one."""
        keep, gain, now, before = second_order(path)
        return list(steps(keep, gain * now, gain * before))

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, change, before = row
        x0 = known(x, now)
        x = (x * keep).addcmul_(x0, change)
        return x if carry is None else x.addcmul_(carry, before), x0, x0
