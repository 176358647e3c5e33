"""Noise schedules: time t in [0, 1] to a noise level, and the paths that samplers walk.

A schedule is a frozen pydantic model that is also the function t -> NoiseLevel, so that one object is configuration,
documentation and code. Everything here is float64; the cast happens at the network.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, runtime_checkable

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.path import along
from becalm.plugin.request import check_times
from becalm.table import betas as betas
from becalm.table import interpolate
from becalm.table import rescale_zero_terminal_snr as rescale_zero_terminal_snr

Spacing = Literal["trailing", "leading", "linspace", "karras", "log_snr"]


@runtime_checkable
class NoiseSchedule(Protocol):
    """Anything that maps times, a float64 tensor in [0, 1], to levels of the same shape."""

    def __call__(self, t: Tensor) -> NoiseLevel: ...


class _Schedule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Discrete(_Schedule):
    """The schedule of a table of betas: level k of T is that of t = k / T.

    alpha_bar_k = prod_{i <= k} (1 - beta_i), alpha = sqrt(alpha_bar) (Ho et al. 2020, eq. 4). Between table entries the
    angle atan2(sigma, alpha) is interpolated linearly, which stays finite when the last beta is 1.
    """

    kind: Literal["discrete"] = "discrete"
    betas: tuple[float, ...] = Field(description="Variances added per step, each in (0, 1].", min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "Discrete":
        for beta in self.betas:
            if not 0.0 < beta <= 1.0:
                raise ValueError(f"betas must lie in (0, 1], got {beta}")
        if 1.0 in self.betas[:-1]:
            raise ValueError("only the last beta may be 1: nothing is left after it")
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        return interpolate(torch.tensor(self.betas, dtype=torch.float64), _time(t))


class Linear(_Schedule):
    """Betas that grow linearly (Ho et al. 2020, section 4); with the defaults alpha_bar ends at 4e-5."""

    kind: Literal["linear"] = "linear"
    steps: int = Field(1000, ge=1, description="Number of betas.")
    first: float = Field(1e-4, gt=0, lt=1, description="First beta.")
    last: float = Field(0.02, gt=0, lt=1, description="Last beta.")

    def __call__(self, t: Tensor) -> NoiseLevel:
        return interpolate(torch.linspace(self.first, self.last, self.steps, dtype=torch.float64), _time(t))


class Cosine(_Schedule):
    """alpha = cos(pi/2 (t + s) / (1 + s)) / cos(pi/2 s / (1 + s)) (Nichol and Dhariwal 2021, eq. 17).

    The paper clips the last beta at .999; here alpha reaches 0 at t = 1, so sampling starts from the noise trained on.
    """

    kind: Literal["cosine"] = "cosine"
    offset: float = Field(
        0.008, ge=0, lt=1, description="Offset s: keeps the noise near t = 0 from vanishing too fast."
    )

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        quarter = math.pi / 2 / (1 + self.offset)
        # cos(u) written as sin(pi/2 - u): exactly 0 at t = 1 and accurate beside it.
        alpha = torch.sin(quarter * (1 - t)) / math.cos(quarter * self.offset)
        # sigma^2 = 1 - alpha^2 loses its digits near t = 0; the product form does not.
        low, high = quarter * t, quarter * (t + 2 * self.offset)
        sigma = (torch.sin(low) * torch.sin(high)).clamp(min=0).sqrt() / math.cos(quarter * self.offset)
        return NoiseLevel(t, alpha, sigma)


class Sigmoid(_Schedule):
    """alpha_bar is a rescaled sigmoid falling from 1 to 0 (Jabri et al. 2022, algorithm 1)."""

    kind: Literal["sigmoid"] = "sigmoid"
    start: float = Field(-3.0, description="Argument of the sigmoid at t = 0.")
    end: float = Field(3.0, description="Argument of the sigmoid at t = 1.")
    tau: float = Field(1.0, gt=0, description="Temperature: larger is closer to linear.")

    @model_validator(mode="after")
    def _check(self) -> "Sigmoid":
        if self.start >= self.end:
            raise ValueError(f"start must be below end, got {self.start} and {self.end}")
        if max(abs(self.start), abs(self.end)) / self.tau > 700:
            raise ValueError(f"start / tau and end / tau must be at most 700 in size, got tau {self.tau}")
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        low, high = self.start / self.tau, self.end / self.tau
        here = low + t * (high - low)
        # sigmoid(a) - sigmoid(b) = sinh((a-b)/2) / (2 cosh(a/2) cosh(b/2)): no digits lost at either end.
        scale = math.sinh((high - low) / 2) / (math.cosh(high / 2) * math.cosh(low / 2))
        clean = torch.sinh((high - low) / 2 * (1 - t)) / (math.cosh(high / 2) * torch.cosh(here / 2)) / scale
        noise = torch.sinh((high - low) / 2 * t) / (math.cosh(low / 2) * torch.cosh(here / 2)) / scale
        return NoiseLevel(t, clean.sqrt(), noise.sqrt())


class Flow(_Schedule):
    """The straight line of flow matching: alpha = 1 - t, sigma = t (Lipman et al. 2023; Liu et al. 2023)."""

    kind: Literal["flow"] = "flow"

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        return NoiseLevel(t, 1 - t, t)


class Karras(_Schedule):
    """sigma^(1/rho) linear in t from low to high, alpha = 1 (Karras et al. 2022, eq. 5). t = 0 is ``low``."""

    kind: Literal["karras"] = "karras"
    low: float = Field(0.002, gt=0, description="sigma at t = 0.")
    high: float = Field(80.0, gt=0, description="sigma at t = 1.")
    rho: float = Field(7.0, gt=0, description="Larger spends more of the time at low noise.")

    @model_validator(mode="after")
    def _check(self) -> "Karras":
        _ordered(self.low, self.high)
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return NoiseLevel(t, torch.ones_like(t), (low + t * (high - low)) ** self.rho)


class VarianceExploding(_Schedule):
    """sigma = low (high / low)^t, alpha = 1 (Song et al. 2021b, appendix C). t = 0 holds ``low``, not clean."""

    kind: Literal["variance_exploding"] = "variance_exploding"
    low: float = Field(0.01, gt=0, description="sigma at t = 0.")
    high: float = Field(50.0, gt=0, description="sigma at t = 1.")

    @model_validator(mode="after")
    def _check(self) -> "VarianceExploding":
        _ordered(self.low, self.high)
        return self

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        return NoiseLevel(t, torch.ones_like(t), self.low * torch.exp(t * math.log(self.high / self.low)))


class VariancePreserving(_Schedule):
    """log alpha = -t^2 (beta_max - beta_min) / 4 - t beta_min / 2 (Song et al. 2021b, eq. 33)."""

    kind: Literal["variance_preserving"] = "variance_preserving"
    beta_min: float = Field(0.1, gt=0, description="Rate of noise at t = 0.")
    beta_max: float = Field(20.0, gt=0, description="Rate of noise at t = 1.")

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = _time(t)
        log_alpha = -0.25 * t**2 * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min
        return NoiseLevel(t, log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt())


Schedule = Annotated[
    Linear | Cosine | Sigmoid | Flow | Karras | VarianceExploding | VariancePreserving | Discrete,
    Field(discriminator="kind"),
]
"""Any schedule of this module, chosen by its ``kind`` in a configuration."""


def levels(schedule: NoiseSchedule, steps: int, spacing: Spacing = "trailing", start: float = 1.0) -> list[NoiseLevel]:
    """Scalar float64 levels from ``start`` down to clean: the path that a sampler walks.

    Args:
        steps: Number of sampler steps; the list has one more entry, the last being clean.
        spacing: ``trailing``: even in time, from ``start``, last step 1/steps above clean. ``linspace``: even in time
            and ending on the schedule's first level, t = 0, or 1/1000 (a table's first entry) where t = 0 is clean.
            ``leading``: even in time, beginning one step below ``start`` (the field's old default; it does not start at
            pure noise). ``karras``: even in (sigma/alpha)^(1/7) (Karras et al. 2022, eq. 5). ``log_snr``: even in
            log(alpha/sigma) (Lu et al. 2022). For the last two, a schedule that reaches pure noise is cut at
            sigma/alpha = 80, and one that reaches clean at .002.
        start: First time, in (0, 1]; below 1 to edit an existing sample.

    Raises:
        ValueError: If ``steps`` is less than 1 or ``start`` is not in (0, 1].
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not 0.0 < start <= 1.0:
        raise ValueError(f"start must be above 0 and at most 1, got {start}")
    return _down(schedule(_times(schedule, steps, spacing, start)))


def levels_at(schedule: NoiseSchedule, times: Sequence[float]) -> list[NoiseLevel]:
    """Scalar float64 levels at exactly these times, and the clean one after them.

    Args:
        times: Strictly descending, within (0, 1].

    Raises:
        ValueError: If they are not.
    """
    check_times(times)
    return _down(schedule(torch.tensor(times, dtype=torch.float64)))


def _down(path: NoiseLevel) -> list[NoiseLevel]:
    """Noisy levels, stacked, as a path that ends clean."""
    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    clean = NoiseLevel(zero, one, zero)
    noisy = [NoiseLevel(*entry) for entry in zip(path.t, path.alpha, path.sigma, strict=True)]
    return along([*noisy, clean], path.alpha)


def _times(schedule: NoiseSchedule, steps: int, spacing: Spacing, start: float) -> Tensor:
    index = torch.arange(steps, dtype=torch.float64)
    first = _first(schedule)
    if spacing == "trailing":
        return start * (1 - index / steps)
    if spacing == "leading":
        return start * (1 - (index + 1) / steps) + min(first, start / steps)
    if spacing == "linspace":
        return start + ((first if first < start else start / steps) - start) * index / max(steps - 1, 1)
    if spacing not in ("karras", "log_snr"):
        known = "trailing, leading, linspace, karras, log_snr"
        raise ValueError(f"spacing must be one of {known}, got {spacing!r}")
    high, low = _ratios(schedule, start)
    rank = index / max(steps - 1, 1)
    if spacing == "log_snr":
        ratio = high * (low / high) ** rank
    else:
        ratio = (high ** (1 / 7) + rank * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    return time_of_ratio(schedule, ratio)


def _ratios(schedule: NoiseSchedule, start: float) -> tuple[float, float]:
    """Both ends of a path in sigma / alpha: the schedule's own, cut where they are not finite and positive."""
    noise, at_start, clean = schedule(torch.tensor([1.0, start, 0.0], dtype=torch.float64)).ratio.tolist()
    high = at_start if math.isfinite(noise) else min(at_start, 80.0)
    return high, clean if clean > 0 else min(0.002, high / 10)


def time_of_ratio(schedule: NoiseSchedule, ratio: Tensor) -> Tensor:
    """Times at which sigma/alpha takes the given values, by bisection to the last bit of float64."""
    target = torch.atan(ratio)
    low, high = torch.zeros_like(target), torch.ones_like(target)
    for _ in range(60):
        middle = (low + high) / 2
        below = schedule(middle).angle < target
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def terminal_snr_is_zero(schedule: NoiseSchedule) -> bool:
    """Whether x at t = 1 is pure noise, so that an eps-predicting network cannot say what x0 is there."""
    return bool(schedule(torch.ones((), dtype=torch.float64)).alpha == 0)


def _first(schedule: NoiseSchedule) -> float:
    """The time of the first noisy level: 0 where it holds noise, else one step of the table, or 1/1000."""
    if float(schedule(torch.zeros((), dtype=torch.float64)).sigma) > 0:
        return 0.0
    if isinstance(schedule, Discrete):
        return 1 / len(schedule.betas)
    return 1 / schedule.steps if isinstance(schedule, Linear) else 1e-3


def _time(t: Tensor) -> Tensor:
    return t if t.dtype == torch.float64 else t.double()


def _ordered(low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"low must be below high, got {low} and {high}")
