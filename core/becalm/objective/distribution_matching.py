"""Distribution matching: what the student makes in a call is to be distributed as the data are (Yin et al. 2024a).

    x0  = student(x_t, t),     x_s = alpha_s x0 + sigma_s eps
    x0 <- x0 - (critic(x_s, s) - teacher(x_s, s)) / mean |x0 - teacher(x_s, s)|

The difference of the two estimates is that of two scores, of what the student makes and of the data, and so the
gradient of their Kullback-Leibler divergence at the level s (eq. 7-8, as a squared error whose target is held fixed).
The critic is a denoiser of what the student makes, trained beside it on the same samples. No paths are followed, so a
step costs one call of the teacher, and the student need not end where the teacher's path does.

A teacher may be guided without a classifier, within an interval: the student has it in its weights then.

The critic may be updated several times for each time of the student (Yin et al. 2024b, section 4.2), whose gradient is
none in between.

With several calls the student learns at the levels of each, from noised data (Yin et al. 2024b, section 4.5, without
its simulated paths).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

import torch
from pydantic import Field, model_validator
from torch import Tensor

from becalm.batch import Batch, per_sample
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.objective.denoising import squared
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.objective.weighting import Simple, Weighting
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")


class DistributionMatching(Objective):
    """A student of few calls, a teacher that knows the data, and a critic that knows the student."""

    kind: Literal["distribution_matching"] = "distribution_matching"
    taught: ClassVar[bool] = True
    criticised: ClassVar[bool] = True
    posterior: ClassVar[bool] = False
    through: ClassVar[bool] = False
    """Whether gradients are taken through the two estimates."""
    calls: int = Field(1, ge=1, description="Calls for a sample of the checkpoint, even in time (spacing trailing).")
    least: float = Field(0.02, ge=0, lt=1, description="Least time at which the two distributions are compared.")
    most: float = Field(0.98, gt=0, le=1, description="Greatest such time.")
    weighting: Weighting = Field(Simple(), description="Weight per level of the critic's error.")
    turns: int = Field(1, ge=1, description="Batches of the critic for each of the student (Yin et al. 2024b: 5).")
    guidance: float = Field(1.0, ge=0, description="Classifier-free scale of the teacher; 1 is none.")
    guidance_high: float = Field(1.0, ge=0, le=1, description="Time up to which the teacher is guided.")

    @model_validator(mode="after")
    def _check_times(self) -> "DistributionMatching":
        if self.least >= self.most:
            raise ValueError(f"least must be below most, got {self.least:g} and {self.most:g}")
        return self

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        super().check(schedule, process)
        if process is not None and not process.gaussian:
            raise UserError(f"objective {self.name} needs a Gaussian process, which has scores, got {process.name}")

    def sampling(self) -> Mapping[str, Any]:
        return {"sampler": {"kind": "consistency"}, "steps": self.calls, "spacing": "trailing", "guidance": 1.0}

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        number = (unit * self.calls).ceil().clamp(1, self.calls)
        inside = self.levels.draw((unit * self.calls - (number - 1)).clamp(1e-6, 1 - 1e-9), memory)
        return number / self.calls, self.least + (self.most - self.least) * inside

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        level, compared = draw.levels
        turn = draw.step % self.turns == 0
        with torch.set_grad_enabled(turn is not False and torch.is_grad_enabled()):
            x0 = student(draw.x, level, batch.cond)
        made = x0.detach()
        with torch.set_grad_enabled(self.through or torch.is_grad_enabled()):
            made.requires_grad_(self.through)
            x = draw.process.corrupt(made, compared, draw.noise)
            told = others.need_critic(self.name)(x, compared, batch.cond)
            critics = squared(self, self.weighting, told, x0.detach(), batch, draw.at(compared))
            if turn is False:
                return critics
            pull = self.pull(others, made, x, told, compared, batch)
        losses = batch.mean((x0 - made.detach() + pull) ** 2) / 2
        return self.penalised(losses, x0, others, batch, draw) * turn + critics

    def pull(
        self, others: Others[C], made: Tensor, x: Tensor, told: Tensor, level: NoiseLevel, batch: Batch[C]
    ) -> Tensor:
        """The gradient of what is minimised by what the student made, like it, without a graph.

        Args:
            made: (B, ...) what the student made; ``x`` is it at ``level``, and ``told`` the critic's estimate there.
        """
        with torch.no_grad():
            taught = self.taught_at(others, x, level, batch)
            return (told - taught) / self.scale(made, taught, batch)

    def scale(self, made: Tensor, taught: Tensor, batch: Batch[C]) -> Tensor:
        """How far the samples are from the teacher's estimates: in units of it the pulls of all levels are alike."""
        distance = batch.mean((made - taught).abs()).detach().clamp(min=1e-6)
        return per_sample(distance, made, None if batch.is_dense else batch.owner)

    def taught_at(self, others: Others[C], x: Tensor, level: NoiseLevel, batch: Batch[C]) -> Tensor:
        """The teacher's estimate, guided."""
        teacher = others.need_teacher(self.name)
        taught = teacher(x, level, batch.cond)
        if self.guidance == 1:
            return taught
        if others.drop is None:
            raise UserError("a teacher without null condition cannot be guided: leave guidance at 1")
        scale = torch.where(level.t <= self.guidance_high, self.guidance, 1.0).to(x)
        return torch.lerp(teacher(x, level, others.drop(batch.cond)), taught, scale)
