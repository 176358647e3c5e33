"""What an objective is: at which levels a denoiser is trained, and one loss per sample."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.guidance.protocol import Energy
from becalm.level import NoiseLevel
from becalm.objective.times import Memory, Times, Uniform
from becalm.plugin.kinds import Kind
from becalm.prediction import Prediction
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Noise, Process
from becalm.schedule.kind import NoiseSchedule, Schedule
from becalm.schedule.spacing import terminal_snr_is_zero

C = TypeVar("C")
_FAINT = 0.005
"""Share of the data below which an estimate of the noise says nothing of them: the linear schedule ends at .0063."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The random part of one training batch.

    Attributes:
        t: (B,) times.
        levels: One level per row, broadcasting against x0, for each of the times that the objective asks for.
        x: The samples at the first of them.
        weight: (B,) importance weights.
        process: What noise is; in its coordinates the levels are, where there is one per coordinate.
        noise: More noise, for objectives that put some on what they make; independent of that in x.
        step: Number of the batch; a 0-dim tensor where the step is recorded.
    """

    t: Tensor
    levels: tuple[NoiseLevel, ...]
    x: Tensor
    weight: Tensor
    process: Process = GAUSSIAN
    noise: Noise = torch.randn_like
    step: int | Tensor = 0

    def at(self, level: NoiseLevel) -> "Draw":
        """The same draw, of which that level is the first."""
        return replace(self, levels=(level,))

    @property
    def level(self) -> NoiseLevel:
        """The first level, that of ``x``."""
        return self.levels[0]


@dataclass(frozen=True, slots=True, eq=False)
class Others(Generic[C]):
    """What an objective may ask beside the student.

    Attributes:
        average: The student with its averaged weights; no gradient flows into them.
        teacher: A trained denoiser to learn from, if there is one.
        critic: A denoiser that is trained beside the student, if there is one; gradients flow into it.
        penalty: The domain's energy of an estimate, such as violated constraints.
        drop: Makes the null condition of a condition; None where the domain has none.
    """

    average: Denoiser[C] | None = None
    teacher: Denoiser[C] | None = None
    critic: Denoiser[C] | None = None
    penalty: Energy[C] | None = None
    drop: Callable[[C], C] | None = None

    def need_teacher(self, name: str) -> Denoiser[C]:
        """The teacher.

        Raises:
            UserError: If there is none for the objective of that name.
        """
        if self.teacher is None:
            raise UserError(f"objective {name} learns from a teacher: begin from a trained checkpoint (--from)")
        return self.teacher

    def need_critic(self, name: str) -> Denoiser[C]:
        """The critic.

        Raises:
            UserError: If there is none for the objective of that name.
        """
        if self.critic is None:
            raise UserError(f"objective {name} needs a critic, a denoiser that is trained beside the student")
        return self.critic


class Objective(Kind):
    """What is learnt, as a loss over denoisers: it knows no network, no scaling, no (p, q).

    Class attributes:
        learned: Whether the network has a second output, for the variance.
        taught: Whether it learns from a teacher: the denoiser that the training begins from.
        criticised: Whether a critic is trained beside the student: a second network, which begins as the teacher.
        posterior: Whether the denoiser learnt is E[x0 | x], as a likelihood needs it; where not, it is a jump to clean.
    """

    room: ClassVar[str] = "objective"
    usual: ClassVar[str] = "denoising"
    renamed: ClassVar[Mapping[str, str]] = {"times": "levels"}
    learned: ClassVar[bool] = False
    taught: ClassVar[bool] = False
    criticised: ClassVar[bool] = False
    posterior: ClassVar[bool] = True

    prediction: Prediction = Field("v", description="What the network outputs.")
    levels: Times = Field(Uniform(), description="Distribution of the noise level.")
    penalty: float = Field(
        0.0, ge=0, description="Weight of the domain's penalty on the estimate, such as violated constraints."
    )
    drop: float = Field(0.1, ge=0, le=1, description="Share of samples trained without condition, for guidance.")

    @classmethod
    def upgrade(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of becalm 0.1, which had one objective with switches."""
        table = dict(settings)
        error, share = table.pop("error", "squared"), table.pop("learned_variance", 0)
        gamma = table.pop("gamma", None)
        if error == "logistic":
            table.pop("weighting", None)
            return {"kind": "cross_entropy", **table}
        if gamma is not None and table.get("weighting") == "min_snr":
            table["weighting"] = {"kind": "min_snr", "gamma": gamma}
        return {"kind": "hybrid", "bound": share, **table} if share else table

    def fit(self, schedule: Schedule) -> Schedule:
        """The schedule to train on: that one, or where the network would have to tell x0 from pure noise, capped."""
        return schedule.capped() if self.prediction in ("eps", "score") else schedule

    def check(self, schedule: NoiseSchedule, process: Process | None = None) -> None:
        """Refuses what cannot be trained.

        Raises:
            UserError: If an eps or score network would have to tell x0 from pure noise, or the process is not
                Gaussian and the network predicts noise.
        """
        if self.prediction in ("eps", "score") and terminal_snr_is_zero(schedule):
            raise UserError(
                f"prediction {self.prediction} cannot recover x0 at t = 1, where this schedule is pure noise: "
                "use v, x0 or flow, or a schedule that ends above zero SNR such as squaredcos_cap_v2"
            )
        if process is not None and not process.gaussian and self.prediction != "x0":
            raise UserError(
                f"process {process.name} has no noise to predict: prediction must be x0, got {self.prediction}"
            )

    def spacing(self, schedule: Schedule) -> Mapping[str, Any]:
        """The spacing that its checkpoints prefer where the request says nothing: ``leading``, which does not begin at
        t = 1, where the network predicts noise and next to no data is left there. An error of the noise is one of x0
        sigma / alpha times as large, thousands of times on the capped cosine.
        """
        last = schedule(torch.ones((), dtype=torch.float64))
        faint = self.prediction in ("eps", "score") and float(last.alpha.max()) < _FAINT
        return {"spacing": "leading"} if faint else {}

    def sampling(self) -> Mapping[str, Any]:
        """Fields of a sampling request that its checkpoints prefer where the request says nothing."""
        return {}

    def times(self, unit: Tensor, memory: Memory, step: int | Tensor) -> tuple[Tensor, ...]:
        """The times of a batch, one (B,) for each level that the loss needs, from uniform numbers (B,)."""
        return (self.levels.draw(unit, memory),)

    @abstractmethod
    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        """One loss per sample, (B,)."""

    def penalised(self, losses: Tensor, estimate: Tensor, others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        """The losses with the domain's penalty on the estimate, if there is one."""
        if not self.penalty or others.penalty is None:
            return losses
        return losses + self.penalty * others.penalty(estimate, draw.level, batch.cond)
