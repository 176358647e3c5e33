"""Euler and Heun on the probability-flow ODE, in the variance-exploding view.

With y = x / alpha and r = sigma / alpha, every schedule has the same ODE  dy/dr = (y - x0(x)) / r  (Karras et al. 2022,
eq. 1 and section 5; Song et al. 2021, DDIM, eq. 14). Euler's step on it is DDIM's; what Euler adds here is ``churn``.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.sampler.step import Noise, Step, at_device, columns, noisy_ends, numbers, quotient, without_gradients

C = TypeVar("C")
_EPSILON = 1e-12


@dataclass(frozen=True)
class Euler:
    """First order; one call of the denoiser a step.

    Attributes:
        churn: Noise put back before each step, as in Karras et al. 2022, algorithm 2 (S_churn, over the whole path); 0
            for the ODE.
    """

    churn: float = 0.0

    def __post_init__(self) -> None:
        _check_churn(self.churn)

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        raised = _raised(levels, self.churn)
        path, noisy = at_device(levels, x), at_device(raised, x)
        alpha, sigma = columns(levels)
        _, sigma_up = columns(raised)
        keep = quotient(sigma[1:], sigma_up)
        change = alpha[1:] - keep * alpha[:-1]
        added = (sigma_up**2 - sigma[:-1] ** 2).clamp(min=0).sqrt()
        for index, (keep_x, keep_x0, spread) in enumerate(numbers(x, keep, change, added)):
            if self.churn:
                x = x + noise(x) * spread
            x0 = denoise(x, noisy[index], cond)
            x = x * keep_x + x0 * keep_x0
            yield Step(index, path[index + 1], x, x0)


@dataclass(frozen=True)
class Heun:
    """Second order; two calls of the denoiser a step, one in a step to clean (Karras et al. 2022, algorithms 1 and 2).

    Attributes:
        churn: S_churn of algorithm 2 over the whole path; 0 for the ODE.

    Raises:
        ValueError: On the first step, if the path starts at pure noise (alpha = 0), where y = x / alpha does not exist:
            use spacing ``karras`` or ``log_snr``, which start at finite sigma / alpha, or another sampler.
    """

    churn: float = 0.0

    def __post_init__(self) -> None:
        _check_churn(self.churn)

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        if bool((levels[0].alpha == 0).any()):
            raise ValueError(
                "Heun divides by alpha, which is 0 at the first level of this path: use spacing karras or log_snr, or "
                "another sampler"
            )
        raised = _raised(levels, self.churn)
        path, noisy = at_device(levels, x), at_device(raised, x)
        alpha, sigma = columns(levels)
        _, sigma_up = columns(raised)
        # The Euler step is x_e = (s'/s) x + (a' - a s'/s) x0. Heun's adds half of dr (slope' - slope), and since
        # y_e - x0 = r' (y - x0) / r the difference of slopes is (x0 - x0') / r': the correction is
        # a' (r' - r) / (2 r') (x0 - x0').
        keep = quotient(sigma[1:], sigma_up)
        change = alpha[1:] - keep * alpha[:-1]
        ratio, after = sigma_up / alpha[:-1], sigma[1:] / alpha[1:]
        correct = torch.where(after > 0, alpha[1:] * (after - ratio) / (2 * after), torch.zeros_like(after))
        added = (sigma_up**2 - sigma[:-1] ** 2).clamp(min=0).sqrt()
        held = noisy_ends(sigma)
        rows = numbers(x, keep, change, added, correct)
        for index, (keep_x, keep_x0, spread, half) in enumerate(rows):
            if self.churn:
                x = x + noise(x) * spread
            x0 = denoise(x, noisy[index], cond)
            x = x * keep_x + x0 * keep_x0
            if held[index]:
                x = x + (x0 - denoise(x, path[index + 1], cond)) * half
            yield Step(index, path[index + 1], x, x0)


def _raised(levels: list[NoiseLevel], churn: float) -> list[NoiseLevel]:
    """The noisy levels of a path, each raised to sigma (1 + gamma), gamma = min(churn / steps, sqrt 2 - 1).

    The alpha stays, since a denoiser of unit-variance input knows a level by sigma / alpha; the time follows the path's
    own relation of time to angle.
    """
    noisy = levels[:-1]
    if churn == 0:
        return noisy
    if levels[0].alpha.dim():
        raise ValueError(
            f"churn needs scalar levels, not one per coordinate: churn must be 0 on this path, got {churn}"
        )
    gamma = min(churn / len(noisy), math.sqrt(2.0) - 1)
    known = sorted((float(level.angle), float(level.t)) for level in levels)
    return [
        NoiseLevel(_time(known, raised), level.alpha, raised.sigma)
        for level in noisy
        for raised in [NoiseLevel(level.t, level.alpha, level.sigma * (1 + gamma))]
    ]


def _time(known: list[tuple[float, float]], level: NoiseLevel) -> Tensor:
    """Time of a level by linear interpolation in its angle; the last time beyond the path's noisiest level."""
    angle = float(level.angle)
    for (low, early), (high, late) in pairwise(known):
        if low <= angle <= high:
            return torch.tensor(early + (late - early) * (angle - low) / (high - low + _EPSILON), dtype=torch.float64)
    return torch.tensor(known[-1][1], dtype=torch.float64)


def _check_churn(churn: float) -> None:
    if churn < 0:
        raise ValueError(f"churn must be at least 0, got {churn}")
