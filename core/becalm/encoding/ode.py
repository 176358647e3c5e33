"""Samples as noise and back by the probability-flow ODE (Song et al. 2021, section 4.3): a path walked up, and down."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser.protocol import Denoiser
from becalm.level import NoiseLevel
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process
from becalm.sampler import DPMpp2M, Sampler, sample

C = TypeVar("C")
_ODE = DPMpp2M()


def encode(
    denoise: Denoiser[C],
    x0: Tensor,
    path: Sequence[NoiseLevel],
    cond: C,
    *,
    sampler: Sampler = _ODE,
    process: Process = GAUSSIAN,
) -> Tensor:
    """x at the path's first level, of x's shape; of sample i alone, whatever stands beside it.

    Args:
        x0: (N, ...) rows at the path's last level, clean or not.
        path: Noisy to clean, as it is sampled along.
        sampler: One that draws no noise; the more steps, the nearer ``decode`` comes to x0.
    """
    return sample(sampler(denoise, x0, list(reversed(path)), cond, torch.zeros_like, process))


def decode(
    denoise: Denoiser[C],
    z: Tensor,
    path: Sequence[NoiseLevel],
    cond: C,
    *,
    sampler: Sampler = _ODE,
    process: Process = GAUSSIAN,
) -> Tensor:
    """x at the path's last level from z at its first: what ``encode`` undoes."""
    return sample(sampler(denoise, z, path, cond, torch.zeros_like, process))
