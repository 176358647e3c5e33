"""Data whose exact denoiser is known, and paths other than those of ``levels``."""

from typing import Any

import torch
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.level import NoiseLevel
from becalm.schedule import (
    CappedCosine,
    Cosine,
    Discrete,
    Flow,
    Karras,
    Linear,
    NoiseSchedule,
    Sigmoid,
    VarianceExploding,
    VariancePreserving,
)

MEAN, STD = 0.7, 0.5
VP: list[NoiseSchedule] = [
    Linear(),
    Linear(steps=10, first=0.1, last=0.9),
    Cosine(),
    Cosine(offset=0),
    CappedCosine(steps=20),
    Sigmoid(),
    Sigmoid(start=0, end=3, tau=0.7),
    VariancePreserving(),
    Discrete(betas=(0.1, 0.2, 0.4, 1.0)),
]
ALL: list[NoiseSchedule] = [*VP, Flow(), Karras(), VarianceExploding()]


def name(value: Any) -> str:
    """A schedule's name in a test's, or that of a function, the same in every process."""
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return f"{value.kind}-{value.model_dump_json(exclude={'kind', 'betas'})}" if hasattr(value, "kind") else str(value)


def double(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def seeded(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_gaussian(mean: float = MEAN, std: float = STD) -> GaussianMixture:
    """N(mean, std^2) in one dimension."""
    return GaussianMixture(double([1.0]), double([[mean]]), double([std]))


def three_gaussians() -> GaussianMixture:
    """Three components in four dimensions."""
    return GaussianMixture(double([0.3, 0.5, 0.2]), seeded(3, 4), double([0.3, 0.6, 0.2]))


def at_times(schedule: NoiseSchedule, times: Tensor) -> list[NoiseLevel]:
    """The levels of a schedule at given times, as a path."""
    level = schedule(times.double())
    return [NoiseLevel(*entry) for entry in zip(level.t, level.alpha, level.sigma, strict=True)]


def even_in_log_snr(noisy: float, clean: float, steps: int) -> list[NoiseLevel]:
    """A variance-preserving path between two values of log(alpha / sigma)."""
    lam = torch.linspace(noisy, clean, steps + 1, dtype=torch.float64)
    alpha, sigma = torch.sigmoid(2 * lam).sqrt(), torch.sigmoid(-2 * lam).sqrt()
    times = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return [NoiseLevel(*entry) for entry in zip(times, alpha, sigma, strict=True)]
