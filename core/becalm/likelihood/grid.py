"""Where along a path a likelihood is integrated: in w = log tan(angle / 2), the angle being atan2(sigma, alpha).

    alpha / sigma = -sinh w,   and with unit variance   alpha = -tanh w,   sigma = 1 / cosh w

At low noise w is log(sigma / alpha) - log 2; at pure noise, where that is infinite, it is 0. So even steps in w are
small where the estimate changes fast, and a path may start anywhere.
"""

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.path import Path
from becalm.schedule.kind import NoiseSchedule
from becalm.schedule.spacing import levels_at, time_of_ratio


def grid(schedule: NoiseSchedule, steps: int, least: float = 2e-3) -> Path:
    """A path of even steps in w, from t = 1 down to sigma / alpha = ``least``, and the clean level after it.

    Args:
        steps: Number of noisy levels less one; what ``nats`` takes that many steps over.
        least: The noise at the data's end, as a share of the signal.

    Raises:
        UserError: If ``steps`` is less than 1, or the schedule has no such level.
    """
    if steps < 1:
        raise UserError(f"steps must be at least 1, got {steps}")
    ends = schedule(torch.tensor([1.0, 0.0], dtype=torch.float64))
    if ends.alpha.dim() > 1:
        raise UserError("a likelihood needs scalar levels, not one per coordinate")
    noisiest, cleanest = ends.ratio.tolist()
    if not cleanest <= least < noisiest:
        raise UserError(f"least must be from {cleanest:.3g} to below {noisiest:.3g}, got {least:g}")
    high, low = place(torch.atan(torch.tensor([noisiest, least], dtype=torch.float64)))
    w = torch.lerp(high, low, torch.linspace(0, 1, steps + 1, dtype=torch.float64))
    times = time_of_ratio(schedule, -1 / torch.sinh(w[1:]))
    return levels_at(schedule, [1.0, *times.tolist()])


def finest(schedule: NoiseSchedule, least: float) -> float:
    """``least`` for ``grid``; of a schedule that keeps more noise at the data's end, that."""
    return max(least, float(schedule(torch.tensor(0.0, dtype=torch.float64)).ratio))


def place(angle: Tensor) -> Tensor:
    """w of an angle."""
    return torch.log(torch.tan(angle / 2))
