"""Tables of betas, the discrete form of variance-preserving schedules.

    alpha_bar_k = prod_{i <= k} (1 - beta_i), alpha = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar)

(Ho et al. 2020, eq. 4.) Everything is float64, in forms that keep their digits at both ends.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from becalm.level import NoiseLevel


def angles(betas: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """What is interpolated: asin(alpha) and asin(sigma) from clean on, (T + 1,) each, on a device."""
    log_signal = torch.log1p(-betas).cumsum(0)
    # 1 - alpha_bar as -expm1 of its logarithm: no digits lost while it is small.
    alpha, sigma = (0.5 * log_signal).exp(), (-torch.expm1(log_signal)).sqrt()
    # The angle gives sigma and its complement alpha, each with all digits; a zero-terminal table ends at 0 exactly.
    ends = ((torch.atan2(alpha, sigma), math.pi / 2), (torch.atan2(sigma, alpha), 0.0))
    signal, noise = (torch.cat([angle.new_tensor([first]), angle]).to(device) for angle, first in ends)
    return signal, noise


def interpolate(table: tuple[Tensor, Tensor], t: Tensor) -> NoiseLevel:
    """The level of a table at times t, float64 in [0, 1]: that of entry k of T at t = k / T, t = 0 being clean.

    Args:
        table: Its ``angles`` on t's device.
    """
    steps = len(table[0]) - 1
    place = t * steps
    index = place.floor().clamp(0, steps - 1)
    share, below = place - index, index.long()
    alpha, sigma = (torch.sin(angle[below] + share * (angle[below + 1] - angle[below])) for angle in table)
    return NoiseLevel(t, alpha, sigma)


def betas(schedule: Callable[[Tensor], NoiseLevel], steps: int) -> Tensor:
    """The discrete betas of a continuous schedule, (steps,) float64: beta_k = 1 - alpha_bar(k/T) / alpha_bar((k-1)/T).

    The inverse is ``Discrete(betas=...)``, which has the same levels at t = k / T.

    Raises:
        ValueError: If ``steps`` is less than 1 or the schedule is not variance-preserving.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    level = schedule(torch.linspace(0, 1, steps + 1, dtype=torch.float64))
    if not torch.allclose(level.total_std, torch.ones_like(level.total_std), rtol=0, atol=1e-9):
        raise ValueError("betas exist only for variance-preserving schedules (alpha^2 + sigma^2 = 1)")
    before, after = slice(None, -1), slice(1, None)
    # a^2 - a'^2 = s'^2 - s^2 when a^2 + s^2 = 1: the difference of the smaller two keeps its digits.
    signal = (level.alpha[before] - level.alpha[after]) * (level.alpha[before] + level.alpha[after])
    noise = (level.sigma[after] - level.sigma[before]) * (level.sigma[after] + level.sigma[before])
    return torch.where(level.sigma[after] < level.alpha[after], noise, signal) / level.alpha[before] ** 2


def rescale_zero_terminal_snr(betas: Tensor) -> Tensor:
    """Shifts and scales sqrt(alpha_bar) so that the last level is pure noise (Lin et al. 2024, algorithm 1).

    Args:
        betas: (T,) in (0, 1).

    Returns:
        (T,) float64 betas of which the last is 1.

    Raises:
        ValueError: If there are fewer than 2 betas.
    """
    alpha = torch.cumprod(1 - betas.double(), 0).sqrt()
    if alpha.numel() < 2:
        raise ValueError(f"zero-terminal-SNR rescaling needs at least 2 betas, got {alpha.numel()}")
    rescaled = (alpha - alpha[-1]) * (alpha[0] / (alpha[0] - alpha[-1]))
    before = torch.cat([torch.ones_like(rescaled[:1]), rescaled[:-1]])
    return 1 - (rescaled / before) ** 2
