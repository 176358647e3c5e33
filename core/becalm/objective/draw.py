"""What a denoiser is trained on: a time distribution, a prediction and a weight per noise level.

    loss = E_t,eps  w(t) |F(x_t) - (p x0 + q eps)|^2  =  E  w(t) / c(t)^2 |x0_hat - x0|^2

where c = sigma / (q alpha - sigma p) turns an error of the output into one of x0. So a weight on the error of x0 names
the same objective whatever the network predicts; ``simple`` weighs the output itself (Ho et al. 2020, eq. 14).
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.denoiser import Prediction, clean, pair, target
from becalm.errors import UserError
from becalm.guidance import Energy
from becalm.level import NoiseLevel
from becalm.noise import Purpose, stream, uniform
from becalm.objective.bound import STEPS, earlier, step_bound
from becalm.schedule import NoiseSchedule, terminal_snr_is_zero, time_of_ratio

C = TypeVar("C")


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Uniform(_Config):
    """t uniform in (0, 1)."""

    kind: Literal["uniform"] = "uniform"

    def draw(self, unit: Tensor, schedule: NoiseSchedule, history: Tensor) -> tuple[Tensor, Tensor]:
        """Times and the weights that keep the loss unbiased, both (B,) float64, from uniform numbers ``unit``."""
        return unit, torch.ones_like(unit)


class LogNormal(_Config):
    """log(sigma/alpha) is normal (Karras et al. 2022, table 1, whose values for images are mean -1.2 and std 1.2)."""

    kind: Literal["log_normal"] = "log_normal"
    mean: float = Field(-1.2, description="Mean of log(sigma/alpha).")
    std: float = Field(1.2, gt=0, description="Standard deviation of log(sigma/alpha).")

    def draw(self, unit: Tensor, schedule: NoiseSchedule, history: Tensor) -> tuple[Tensor, Tensor]:
        """Times and unit weights: the density of t is part of the objective, as in the paper."""
        ratio = torch.exp(self.mean + self.std * math.sqrt(2.0) * torch.erfinv(2 * unit - 1))
        return time_of_ratio(schedule, ratio), torch.ones_like(unit)


class Importance(_Config):
    """t in proportion to sqrt(E[loss^2]) as seen so far, unbiased by weights (Nichol and Dhariwal 2021, eq. 18)."""

    kind: Literal["importance"] = "importance"
    floor: float = Field(0.1, gt=0, le=1, description="Share of the draws that stays uniform.")

    def draw(self, unit: Tensor, schedule: NoiseSchedule, history: Tensor) -> tuple[Tensor, Tensor]:
        """Times by inverting the piecewise constant density over the bins, and 1 / density."""
        density = history.sqrt()
        density = density / density.sum() if bool((history > 0).all()) else torch.full_like(density, 1 / len(density))
        density = self.floor / len(density) + (1 - self.floor) * density
        edges = torch.cat([density.new_zeros(1), density.cumsum(0)])
        edges = edges / edges[-1]
        bin_ = torch.searchsorted(edges[1:-1].contiguous(), unit, right=True)
        inside = (unit - edges[bin_]) / (edges[bin_ + 1] - edges[bin_])
        return (bin_ + inside) / len(density), 1 / (density[bin_] * len(density))


class Fixed(_Config):
    """A few times and no others, each in an equal share of every batch.

    With prediction x0 on the flow schedule, (1) is regression to the data, since x at t = 1 is pure noise, and (1, 0.1)
    is the minimal iterative policy of Pan et al. 2025, whose time is 1 - t.
    """

    kind: Literal["fixed"] = "fixed"
    times: tuple[float, ...] = Field((1.0,), description="Times trained on, each in (0, 1].")

    @field_validator("times")
    @classmethod
    def _check(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not times or not all(0 < time <= 1 for time in times):
            listed = ", ".join(f"{time:g}" for time in times) or "none"
            raise ValueError(f"times must lie in (0, 1], got {listed}")
        return times

    def draw(self, unit: Tensor, schedule: NoiseSchedule, history: Tensor) -> tuple[Tensor, Tensor]:
        """Times by the rank of ``unit``: equal shares where the times divide the batch, else equal on average."""
        rank = unit.argsort().argsort()
        # A number drawn anew per batch, short of 1, so that no share depends on how a quotient is rounded.
        phase = (unit.min() * len(unit)).clamp(max=1 - 1e-6)
        number = ((rank + phase) * len(self.times) / len(unit)).long()
        times = torch.tensor(self.times, dtype=unit.dtype, device=unit.device)
        return times[number], torch.ones_like(unit)


Times = Annotated[Uniform | LogNormal | Importance | Fixed, Field(discriminator="kind")]
Weighting = Literal["simple", "snr", "min_snr", "p2", "edm"]
BINS = 32


class Objective(_Config):
    """Which noise levels are trained on, what the network predicts there, and how much each level counts."""

    prediction: Prediction = Field("v", description="What the network outputs.")
    weighting: Weighting = Field(
        "simple",
        description="Weight per level: simple (output error as it is), snr (as an eps loss), "
        "min_snr (Hang et al. 2023), p2 (Choi et al. 2022), edm (Karras et al. 2022).",
    )
    times: Times = Field(Uniform(), description="Distribution of the noise level.")
    gamma: float = Field(5.0, gt=0, description="Cap of min_snr; exponent of p2 is 1.")
    error: Literal["squared", "logistic"] = Field(
        "squared",
        description="Distance of output and target; logistic: cross-entropy, for data of -1 and 1 and prediction x0.",
    )
    penalty: float = Field(
        0.0, ge=0, description="Weight of the domain's penalty on the estimate, such as violated constraints."
    )
    drop: float = Field(0.1, ge=0, le=1, description="Share of samples trained without condition, for guidance.")
    learned_variance: float = Field(
        0.0,
        ge=0,
        description="Weight of the variational bound that trains a learned variance; 0 for none (.001 is usual).",
    )

    def check(self, schedule: NoiseSchedule) -> None:
        """Refuses what cannot be trained.

        Raises:
            ValueError: If an eps or score network would have to tell x0 from pure noise, or a time that is trained on
                has no weight.
        """
        if self.prediction in ("eps", "score") and terminal_snr_is_zero(schedule):
            raise ValueError(
                f"prediction {self.prediction} cannot recover x0 at t = 1, where this schedule is pure noise: "
                "use v, x0 or flow, or a schedule that ends above zero SNR such as linear"
            )
        if self.error == "logistic" and self.prediction != "x0":
            raise ValueError(f"error logistic needs prediction x0, got {self.prediction}")
        if isinstance(self.times, Fixed):
            weight = self.weight(schedule(torch.tensor(self.times.times, dtype=torch.float64)))
            for time, value in zip(self.times.times, weight.tolist(), strict=True):
                if not 0 < value < math.inf:
                    raise ValueError(
                        f"weighting {self.weighting} gives time {time:g} the weight {value:g}, so nothing is learned "
                        "there: use simple"
                    )

    def weight(self, level: NoiseLevel) -> Tensor:
        """Weight of the squared output error at a level.

        With c / sigma = 1 / (q alpha - sigma p), a weight w on the x0 error is w sigma^2 / (q alpha - sigma p)^2 on the
        output error, and w sigma^2 is finite for every weighting here.
        """
        alpha, sigma = level.alpha**2, level.sigma**2
        if self.weighting == "simple":
            return torch.ones_like(alpha)
        p, q = pair(self.prediction, level)
        bottom = (q * level.alpha - level.sigma * p) ** 2
        if self.weighting == "snr":
            return alpha / bottom
        if self.weighting == "min_snr":
            return torch.minimum(alpha, self.gamma * sigma) / bottom
        if self.weighting == "p2":
            return alpha * sigma / (sigma + alpha) / bottom
        return (alpha + sigma) / bottom


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The random part of one training batch.

    Attributes:
        t: (B,) times.
        level: One level per row, broadcasting against x0.
        before: The level one of 1000 steps nearer to clean, if a learned variance is trained.
        weight: (B,) importance weights.
        eps: Noise like x0.
    """

    t: Tensor
    level: NoiseLevel
    before: NoiseLevel | None
    weight: Tensor
    eps: Tensor


def draw(
    objective: Objective,
    schedule: NoiseSchedule,
    batch: Batch[C],
    history: Tensor,
    *,
    seed: int,
    step: int,
    offset: int = 0,
) -> Draw:
    """Times and noise of a batch, a function of (seed, step, place in the batch).

    The times of a batch are one uniform number plus i / B, modulo 1: each is uniform, together they cover [0, 1]
    evenly, and the gradient is less noisy (Kingma et al. 2021, appendix I.1).

    Args:
        offset: First place of this batch among those of all devices.
    """
    device = batch.x0.device
    first = uniform(seed, torch.zeros(1, dtype=torch.long), step, Purpose.TRAIN_TIME).to(device)
    unit = (first + torch.arange(batch.size, device=device, dtype=torch.float64) / batch.size) % 1.0
    unit = unit.clamp(1e-9, 1 - 1e-9)
    t, weight = objective.times.draw(unit, schedule, history.to(device))
    level = schedule(batch.spread(t))
    eps = stream(seed, batch.owner + offset, Purpose.TRAIN_NOISE, first_step=step)(batch.x0)
    before = schedule(batch.spread(earlier(t))) if objective.learned_variance else None
    return Draw(t, level, before, weight, eps)


def losses(
    objective: Objective,
    network: nn.Module,
    batch: Batch[C],
    drawn: Draw,
    cond: C,
    penalty: Energy[C] | None = None,
) -> tuple[Tensor, Tensor]:
    """The weighted and the bare loss of each sample, both (B,).

    Args:
        penalty: Of the estimate x0, one number per sample; counts by ``objective.penalty``.
    """
    level, x0 = drawn.level, batch.x0
    x = level.mix(x0, drawn.eps)
    output = network((x / level.norm).to(x.dtype), level, cond).float()
    bound: Tensor | float = 0.0
    if drawn.before is not None:
        if output.shape[1] != 2 * x0.shape[1]:
            raise UserError("learned_variance above 0 needs a network with a second output: set outputs to 2")
        output, raw = output.chunk(2, dim=1)
        estimate = clean(objective.prediction, level, x, output)
        bits = step_bound(level, drawn.before, x0, estimate, (raw + 1) / 2)
        bound = objective.learned_variance * STEPS * batch.mean(bits)
    wanted = target(objective.prediction, level, x0, drawn.eps).to(output.dtype)
    error = batch.mean(_ERRORS[objective.error](output, wanted))
    per_level = batch.mean(objective.weight(level).expand(len(x0), *[1] * (x0.dim() - 1)))
    bare = error * per_level.to(error.dtype) + bound
    if objective.penalty and penalty is not None:
        estimate = clean(objective.prediction, level, x, output)
        bare = bare + objective.penalty * penalty(estimate, level, cond)
    return bare * drawn.weight.to(bare.dtype), bare


def _squared(output: Tensor, wanted: Tensor) -> Tensor:
    return (output - wanted) ** 2


def _logistic(output: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of the bits (1 + x0) / 2; an output of exactly -1 or 1 costs at most 14.5 nats."""
    likely = ((1 + output) / 2).clamp(_LEAST, 1 - _LEAST)
    bit = (1 + wanted) / 2
    return -(bit * likely.log() + (1 - bit) * (1 - likely).log())


_LEAST = 5e-7
_ERRORS = {"squared": _squared, "logistic": _logistic}
