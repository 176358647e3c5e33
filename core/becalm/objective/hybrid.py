"""L_hybrid: the squared error, and a small share of the variational bound, which trains a learned variance.

    L = L_simple + bound * L_vlb

(Nichol and Dhariwal 2021, eq. 16.)
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.network import NetworkDenoiser
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.objective.bound import STEPS, earlier, step_bound
from becalm.objective.denoising import check_weights, squared
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.objective.weighting import Simple, Weighting
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")


class Hybrid(Objective):
    """The squared error, and a learned variance; needs a network with a second output."""

    kind: Literal["hybrid"] = "hybrid"
    renamed: ClassVar[Mapping[str, str]] = {**Objective.renamed, "learned_variance": "bound"}
    learned: ClassVar[bool] = True
    weighting: Weighting = Field(Simple(), description="Weight per level of the squared error.")
    bound: float = Field(0.001, gt=0, description="Weight of the variational bound.")

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        super().check(schedule, process)
        if process is not None and process != GAUSSIAN:
            raise UserError(f"a learned variance is of process gaussian, got {process.name}: use objective denoising")
        check_weights(self, self.weighting, schedule)

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        t = self.levels.draw(unit, memory)
        return t, earlier(t)

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        if not isinstance(student, NetworkDenoiser):
            raise UserError("objective hybrid needs a network with a second output: set outputs to 2")
        x0, fraction = student.halves(draw.x, draw.level, batch.cond)
        # Outside of the two the bound would grow without end.
        bits = step_bound(draw.level, draw.levels[1], batch.x0, x0, fraction.clamp(0, 1))
        losses = squared(self, self.weighting, x0, batch.x0, batch, draw) + self.bound * STEPS * batch.mean(bits)
        return self.penalised(losses, x0, others, batch, draw)
