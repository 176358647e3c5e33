"""Consistency: the estimate is the same all along a path of the ODE, so that one call ends it.

    loss = sqrt(mean |f(x_t, t) - f-(x_r, r)|^2 + c^2) - c,    f(x, clean) = x

x_r lies nearer to clean on the path through x_t: by the true x0 (training, whose mean over the data is right as the gap
closes) or by a teacher's estimate (distillation). No gradient flows into f-. The gap t - r is a share of t that halves
as the training goes on (Song et al. 2023, eq. 10; Song and Dhariwal 2023; Geng et al. 2025).

With a gap of all of t the target is x0 itself: denoising. So a trained denoiser is where to begin, and the gap closes
from there (Geng et al. 2025). At a clean level every prediction but x0 is the identity by its formula; where r is
clean the target is x_r by definition, whatever the prediction.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.jump import toward
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")
_CLEAN = 2e-3
"""Times below are clean: nearer to it, float32 no longer tells x from x0."""


class Consistent(Objective):
    """What both ways to learn a consistency function share."""

    posterior: ClassVar[bool] = False

    calls: int = Field(2, ge=1, description="Calls for a sample of the checkpoint where a request says nothing.")
    gap: float = Field(0.5, gt=0, le=1, description="First gap between the two levels, as a share of the time.")
    halve: int = Field(500, ge=1, description="Steps in which the gap halves.")
    least: float = Field(1 / 256, gt=0, le=1, description="Gap from which on it stays.")
    huber: float = Field(
        1e-3, gt=0, description="Error per entry at which squared becomes linear; data have about unit variance."
    )
    target: Literal["student", "average"] = Field(
        "student", description="Whose estimate at the cleaner level is learnt from: the student's own, or its average."
    )

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        super().check(schedule, process)
        if process is not None and not process.gaussian:
            raise UserError(f"objective {self.name} needs a Gaussian process, whose ODE has paths, got {process.name}")

    def sampling(self) -> Mapping[str, Any]:
        return {"sampler": {"kind": "consistency"}, "steps": self.calls, "spacing": "trailing"}

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        t = self.levels.draw(unit, memory)
        halvings = torch.as_tensor(step, device=t.device) // self.halve
        gap = (self.gap * 0.5 ** halvings.double()).clamp(min=min(self.least, self.gap))
        cleaner = t * (1 - gap)
        return t, torch.where(cleaner < _CLEAN, torch.zeros_like(cleaner), cleaner)

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        level, cleaner = draw.levels
        x0 = student(draw.x, level, batch.cond)
        with torch.no_grad():
            x = toward(draw.x, self.source(others, batch, draw), level, cleaner)
            judge = student if self.target == "student" or others.average is None else others.average
            # Where all of the batch is clean the call would be for nothing, but to know that one must wait.
            target = torch.where(cleaner.t.to(x.device) == 0, x, judge(x, cleaner, batch.cond))
        error = batch.mean((x0 - target) ** 2)
        return self.penalised((error + self.huber**2).sqrt() - self.huber, x0, others, batch, draw)

    @abstractmethod
    def source(self, others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        """The clean sample along which x moves to the cleaner level."""


class ConsistencyTraining(Consistent):
    """From data alone (Song and Dhariwal 2023); fastest from a trained denoiser (Geng et al. 2025)."""

    kind: Literal["consistency"] = "consistency"

    def source(self, others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        return batch.x0


class ConsistencyDistillation(Consistent):
    """From a teacher's paths (Song et al. 2023, algorithm 2): one call of it a step."""

    kind: Literal["consistency_distillation"] = "consistency_distillation"
    taught: ClassVar[bool] = True

    def source(self, others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        return others.need_teacher(self.name)(draw.x, draw.level, batch.cond)
