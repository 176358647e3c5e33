"""Likelihoods of data, not of x0: the codec's change of volume and the noise of dequantisation are counted in."""

import math
from typing import Literal, TypeVar

import torch
from torch import Tensor

from becalm.batch import sum_per_sample
from becalm.codec import Codec, Density
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.likelihood.dequantise import dequantise
from becalm.likelihood.ode import nats
from becalm.likelihood.trace import Noise
from becalm.noise import Purpose, stream
from becalm.path import Path

C = TypeVar("C")
Dequantisation = Literal["none", "uniform", "normal"]


def log_det(codec: Codec[C], data: Tensor, cond: C) -> Tensor:
    """log |det d x0 / d data| of each sample, (B,) float64.

    Raises:
        UserError: If the codec has none, such as one that forgets a part of the data.
    """
    if not isinstance(codec, Density):
        raise UserError(f"codec {type(codec).__name__} has no log-determinant, so its data have no density")
    return sum_per_sample(codec.log_det(data, cond).double(), owner_of(cond))


def data_nats(
    denoise: Denoiser[C],
    codec: Codec[C],
    data: Tensor,
    path: Path,
    cond: C,
    probes: int | None = None,
    *,
    dequantisation: Dequantisation = "none",
    tolerance: float | None = None,
    noise: Noise | None = None,
) -> Tensor:
    """Log-likelihood of data by the ODE, (B,) float64, in nats per sample: a density in the data's own units.

    Args:
        data: (N, ...) rows as the domain has them, on the denoiser's device.
        path, probes, tolerance: As for ``nats``.
        dequantisation: For whole numbers, whose log-probability the result then bounds from below: ``uniform``, or
            ``normal``, as wide as the noise at the path's end, which costs less.
        noise: Standard normal numbers like a tensor, first for the dequantisation, then for the probes; by default
            those of seed 0, sample i.

    Raises:
        UserError: If the codec has no log-determinant, or ``nats`` refuses.
    """
    owner = owner_of(cond)
    if noise is None:
        noise = stream(0, torch.arange(len(data), device=data.device) if owner is None else owner, Purpose.PROBE)
    volume, encoded = log_det(codec, data, cond), data
    spent = torch.zeros_like(volume)
    if dequantisation != "none":
        std = None if dequantisation == "uniform" else _width(path, volume, data, owner)
        encoded, rows = dequantise(data, noise, std)
        spent = sum_per_sample(rows, owner)
    encoded = encoded.to(data.dtype if data.dtype.is_floating_point else torch.float32)
    found = nats(denoise, codec.encode(encoded, cond), path, cond, probes, tolerance=tolerance, noise=noise)
    return found + volume - spent


def _width(path: Path, volume: Tensor, data: Tensor, owner: Tensor | None) -> float:
    """The noise at the path's end in the data's units, by the codec's scale in the first sample's mean."""
    size = sum_per_sample(torch.ones_like(data, dtype=torch.float64), owner)
    return float(path.sigma[path.sigma > 0][-1] / path.alpha[path.sigma > 0][-1] / torch.exp(volume[0] / size[0]))


def bits_per_dimension(nats: Tensor, dimensions: int) -> Tensor:
    """Log-likelihoods in nats as papers state them: bits that a coordinate costs, the fewer the better."""
    return -nats / (dimensions * math.log(2.0))
