"""A mixture whose conditional estimates are known, to guide by and to be guided to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.level import NoiseLevel
from becalm.schedule import Cosine

MEANS = torch.tensor([[2.0, 1.0], [-1.0, 0.5], [0.0, -2.0]], dtype=torch.float64)
WEIGHTS, STDS = torch.tensor([[0.2, 0.3, 0.5], [0.3, 0.5, 0.8]], dtype=torch.float64)
MIXTURE = GaussianMixture(WEIGHTS, MEANS, STDS)
TIMES = [1e-3, 0.1, 0.3, 0.5, 0.8, 0.97]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def at_time(t: float) -> NoiseLevel:
    return Cosine()(torch.tensor(t, dtype=torch.float64))


def gaussian(mean: list[float], std: float) -> GaussianMixture:
    one, means, stds = (torch.tensor(value, dtype=torch.float64) for value in ([1.0], [mean], [std]))
    return GaussianMixture(one, means, stds)


def drop(cond: Tensor) -> Tensor:
    return torch.full_like(cond, -1)


def posterior_energy(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
    """-log p(component | x_t), in a form that loses no digits where that probability is small."""
    joint = MIXTURE._joint(x, level)
    return joint.logsumexp(1) - joint.gather(1, cond[:, None])[:, 0]


def unconditional(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
    return MIXTURE(x, level, None)


class Counted:
    """A denoiser that remembers the batch sizes it was called with."""

    def __init__(self, denoise: Callable[..., Tensor] = MIXTURE) -> None:
        self.denoise, self.calls = denoise, list[int]()

    def __call__(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        self.calls.append(len(x))
        return self.denoise(x, level, cond)
