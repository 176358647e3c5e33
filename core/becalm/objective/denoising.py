"""Denoising: the squared error of the estimate, weighted by level (Ho et al. 2020, eq. 14; Salimans and Ho 2022).

loss = E_t,x  w(t) |x0_hat(x) - x0|^2
"""

import math
from typing import Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Fixed
from becalm.objective.weighting import Simple, Weighting
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")


class Denoising(Objective):
    """The squared error of the estimate."""

    kind: Literal["denoising"] = "denoising"
    weighting: Weighting = Field(Simple(), description="Weight per level.")

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        super().check(schedule, process)
        check_weights(self, self.weighting, schedule)

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        x0 = student(draw.x, draw.level, batch.cond)
        return self.penalised(squared(self, self.weighting, x0, batch.x0, batch, draw), x0, others, batch, draw)


def squared(
    objective: Objective, weighting: Weighting, x0: Tensor, target: Tensor, batch: Batch[C], draw: Draw
) -> Tensor:
    """The weighted squared error of an estimate, (B,)."""
    root = weighting.weight(draw.level, objective.prediction).sqrt()
    return batch.mean((root.to(x0) * draw.process.enter(x0 - target)) ** 2)


def check_weights(objective: Objective, weighting: Weighting, schedule: NoiseSchedule) -> None:
    """Refuses fixed times at which nothing would be learned.

    Raises:
        UserError: If one has no weight.
    """
    if not isinstance(objective.levels, Fixed):
        return
    level = schedule(torch.tensor(objective.levels.times, dtype=torch.float64))
    for time, value in zip(objective.levels.times, weighting.weight(level, objective.prediction).tolist(), strict=True):
        if not 0 < value < math.inf:
            raise UserError(
                f"weighting {weighting.name} gives time {time:g} the weight {value:g}, so nothing is learned there: "
                "use simple"
            )
