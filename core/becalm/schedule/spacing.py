"""Paths from a schedule: which levels a sampler visits on its way to clean.

Where a schedule has a level per coordinate, spacings go by the mean of the angle atan2(sigma, alpha).
"""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.path import Path
from becalm.request import SpacingName, check_times
from becalm.schedule.kind import NoiseSchedule

Spacing = SpacingName

_NOISIEST = 80.0
"""sigma / alpha at which a path begins where the schedule's signal vanishes (Karras et al. 2022, table 1)."""


def levels(schedule: NoiseSchedule, steps: int, spacing: Spacing = "trailing", start: float = 1.0) -> Path:
    """Float64 levels from ``start`` down to clean: the path that a sampler walks.

    Args:
        steps: Number of sampler steps; the path has one more level, the last being clean.
        spacing: ``trailing``: even in time, from ``start``, last step 1/steps above clean. ``linspace``: even in time
            and ending on the schedule's first level, t = 0, or 1/1000 (a table's first entry) where t = 0 is clean.
            ``leading``: even in time, beginning one step below ``start`` (the field's old default; it does not start at
            pure noise). ``karras``: even in (sigma/alpha)^(1/7) (Karras et al. 2022, eq. 5). ``log_snr``: even in
            log(alpha/sigma) (Lu et al. 2022). For the last two, a schedule whose signal vanishes (alpha below 1/80 at
            t = 1) is cut at sigma/alpha = 80, and one that reaches clean at .002.
        start: First time, in (0, 1]; below 1 to edit an existing sample.

    Raises:
        UserError: If ``steps`` is less than 1, ``start`` is not in (0, 1], or two levels of the path are the same.
    """
    if steps < 1:
        raise UserError(f"steps must be at least 1, got {steps}")
    if not 0.0 < start <= 1.0:
        raise UserError(f"start must be above 0 and at most 1, got {start}")
    times = _times(schedule, steps, spacing, start)
    path = _down(schedule(times))
    lam = path.alpha.log() - path.sigma.log()
    still = ~(lam[1:] > lam[:-1]).reshape(steps, -1).any(1)
    if bool(still.any()):
        time = float(times[still.nonzero()[0, 0]])
        raise UserError(
            f"this path does not descend at t = {time:g}: take fewer steps than {steps}, or another spacing"
        )
    return path


def levels_at(schedule: NoiseSchedule, times: Sequence[float]) -> Path:
    """Float64 levels at exactly these times, and the clean one after them.

    Args:
        times: Strictly descending, within (0, 1].

    Raises:
        UserError: If they are not.
    """
    check_times(times)
    return _down(schedule(torch.tensor(times, dtype=torch.float64)))


def _down(noisy: NoiseLevel) -> Path:
    """Noisy levels, stacked, as a path that ends clean."""
    t = noisy.t.reshape(len(noisy.t), -1)[:, 0]
    alpha, sigma = torch.broadcast_tensors(noisy.alpha, noisy.sigma)
    return Path(
        torch.cat([t, t.new_zeros(1)]),
        torch.cat([alpha, torch.ones_like(alpha[:1])]),
        torch.cat([sigma, torch.zeros_like(sigma[:1])]),
    )


def _times(schedule: NoiseSchedule, steps: int, spacing: Spacing, start: float) -> Tensor:
    index = torch.arange(steps, dtype=torch.float64)
    if spacing == "trailing":
        return start * (1 - index / steps)
    first = first_time(schedule)
    if spacing == "leading":
        return start * (1 - (index + 1) / steps) + min(first, start / steps)
    if spacing == "linspace":
        return start + ((first if first < start else start / steps) - start) * index / max(steps - 1, 1)
    if spacing not in get_args(Spacing):
        raise UserError(f"spacing must be one of {', '.join(get_args(Spacing))}, got {spacing!r}")
    high, low = _ratios(schedule, start)
    rank = index / max(steps - 1, 1)
    if spacing == "log_snr":
        ratio = high * (low / high) ** rank
    else:
        ratio = (high ** (1 / 7) + rank * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    return time_of_ratio(schedule, ratio)


def _ratios(schedule: NoiseSchedule, start: float) -> tuple[float, float]:
    """Both ends of a path in sigma / alpha: the schedule's own, cut where its signal or its noise vanishes."""
    level = schedule(torch.tensor([1.0, start, 0.0], dtype=torch.float64))
    _, high, clean = (level.ratio if level.ratio.dim() == 1 else torch.tan(_angle(level))).tolist()
    vanishes = bool((level.alpha[0] < 1 / _NOISIEST).any())
    high = min(high, _NOISIEST) if vanishes else high
    return high, clean if clean > 0 else min(0.002, high / 10)


def time_of_ratio(schedule: NoiseSchedule, ratio: Tensor) -> Tensor:
    """Times at which sigma/alpha takes the given values, by bisection to the last bit of float64."""
    target = torch.atan(ratio)
    low, high = torch.zeros_like(target), torch.ones_like(target)
    for _ in range(60):
        middle = (low + high) / 2
        below = _angle(schedule(middle)) < target
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def terminal_snr_is_zero(schedule: NoiseSchedule) -> bool:
    """Whether x at t = 1 holds no signal that float32 knows, so that an eps network cannot say what x0 is there."""
    level = schedule(torch.ones((), dtype=torch.float64))
    least = torch.finfo(torch.float32).tiny
    return bool((level.alpha < least).any()) or not bool(level.ratio.float().isfinite().all())


def first_time(schedule: NoiseSchedule) -> float:
    """The time of the first noisy level: 0 where it holds noise, else the schedule's own, or 1/1000."""
    if bool((schedule(torch.zeros((), dtype=torch.float64)).sigma > 0).any()):
        return 0.0
    return float(getattr(schedule, "finest", 1e-3))


def _angle(level: NoiseLevel) -> Tensor:
    """The mean of the angle over the coordinates, of the times' shape."""
    angle = level.angle
    return angle.reshape(*angle.shape[: level.t.dim()], -1).mean(-1) if angle.dim() > level.t.dim() else angle
