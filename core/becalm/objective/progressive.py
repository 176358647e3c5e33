"""Progressive distillation: one step of the student does what several of its teacher do (Salimans and Ho 2022).

    x0* = the estimate with which one straight move from x_t ends where the teacher's ``substeps`` moves do
    loss = w(t) |x0_hat(x_t) - x0*|^2

(Algorithm 2, appendix G.) A training is one stage: it makes a sampler of ``calls`` DDIM steps from a teacher of
``substeps`` times as many, and its checkpoint is the teacher of the next.

Who samples at another temperature needs the paths of that noise alone: x_t = alpha x0 + temperature sigma z. At 0 and
in one call there is one path for each condition, and the student has no more to learn than where it ends.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.jump import aim, straight
from becalm.objective.denoising import squared
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.objective.weighting import Simple, Weighting
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")


class Progressive(Objective):
    """The student takes ``calls`` even steps in time; only their first levels are trained on."""

    kind: Literal["progressive"] = "progressive"
    taught: ClassVar[bool] = True
    posterior: ClassVar[bool] = False
    calls: int = Field(8, ge=1, description="Steps of the student, even in time (spacing trailing).")
    substeps: int = Field(2, ge=1, description="Steps of the teacher in one of them.")
    temperature: float = Field(1.0, ge=0, le=1, description="Spread of the noise whose paths are learnt.")
    weighting: Weighting = Field(Simple(), description="Weight per level.")

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        super().check(schedule, process)
        if self.temperature != 1 and process is not None and process != GAUSSIAN:
            raise UserError(
                f"a temperature other than 1 needs plain Gaussian noise, got {self.temperature:g} under {process.name}"
            )

    def sampling(self) -> Mapping[str, Any]:
        cooler = {} if self.temperature == 1 else {"temperature": self.temperature}
        return {"sampler": {"kind": "ddim"}, "steps": self.calls, "spacing": "trailing", **cooler}

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        number = (self.levels.draw(unit, memory) * self.calls).ceil().clamp(1, self.calls)
        part = 1 / (self.calls * self.substeps)
        return *(number / self.calls - part * taken for taken in range(self.substeps)), (number - 1) / self.calls

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        begun = draw.x
        if self.temperature != 1:
            middle = draw.level.alpha.to(begun) * batch.x0
            begun = middle + self.temperature * (begun - middle)
        x0 = student(begun, draw.level, batch.cond)
        with torch.no_grad():
            jump, x = straight(others.need_teacher(self.name)), begun
            for level, to in zip(draw.levels, draw.levels[1:], strict=False):
                x = jump(x, level, to, batch.cond)
            target = aim(begun, x, draw.level, draw.levels[-1])
        losses = squared(self, self.weighting, x0, target, batch, draw)
        return self.penalised(losses, x0, others, batch, draw)
