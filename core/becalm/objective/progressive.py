"""Progressive distillation: one step of the student does what several of its teacher do (Salimans and Ho 2022).

    x0* = the estimate with which one straight move from x_t ends where the teacher's ``substeps`` moves do
    loss = w(t) |x0_hat(x_t) - x0*|^2

(Algorithm 2, appendix G.) A training is one stage: it makes a sampler of ``calls`` DDIM steps from a teacher of
``substeps`` times as many, and its checkpoint is the teacher of the next.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.jump import aim, straight
from becalm.objective.denoising import squared
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.objective.weighting import Simple, Weighting

C = TypeVar("C")


class Progressive(Objective):
    """The student takes ``calls`` even steps in time; only their first levels are trained on."""

    kind: Literal["progressive"] = "progressive"
    taught: ClassVar[bool] = True
    calls: int = Field(8, ge=1, description="Steps of the student, even in time (spacing trailing).")
    substeps: int = Field(2, ge=1, description="Steps of the teacher in one of them.")
    weighting: Weighting = Field(Simple(), description="Weight per level.")

    def sampling(self) -> Mapping[str, Any]:
        return {"sampler": {"kind": "ddim"}, "steps": self.calls, "spacing": "trailing"}

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        number = (self.levels.draw(unit, memory) * self.calls).ceil().clamp(1, self.calls)
        part = 1 / (self.calls * self.substeps)
        return *(number / self.calls - part * taken for taken in range(self.substeps)), (number - 1) / self.calls

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        x0 = student(draw.x, draw.level, batch.cond)
        with torch.no_grad():
            jump, x = straight(others.need_teacher(self.name)), draw.x
            for level, to in zip(draw.levels, draw.levels[1:], strict=False):
                x = jump(x, level, to, batch.cond)
            target = aim(draw.x, x, draw.level, draw.levels[-1])
        losses = squared(self, self.weighting, x0, target, batch, draw)
        return self.penalised(losses, x0, others, batch, draw)
