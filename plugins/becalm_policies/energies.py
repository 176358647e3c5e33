"""Energies of action chunks: what a chunk should respect, written in the environment's units.

Each is one number per sample, (B,): half the sum of squares of how far entries are on the wrong side, measured in
diffusion space. So its gradient there is exactly the way back, and under ``Descend(energy, scale, where="clean")`` a
``scale`` s weighs chunks by about exp(-s E): a soft edge. ``steady(1)`` instead takes the estimate to the edge at every
level, so that chunks end on the right side with every sampler.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.guidance import Energy, Scale
from becalm.level import NoiseLevel

C = TypeVar("C")
Decode = Callable[[Tensor, C], Tensor]
"""Chunks in diffusion space (B, Tp, A) to actions, as ``Policies.actions``."""


def keep_away(decode: Decode[C], center: Sequence[float], radius: float, *, dims: Sequence[int] = (0, 1)) -> Energy[C]:
    """1/2 sum over the chunk of max(0, radius - |a - center|)^2.

    Args:
        center: The middle of the region, in action units, one number per entry of ``dims``.
        radius: Above 0, action units.
        dims: The entries of an action that are a position.

    Raises:
        UserError: If the radius is not above 0, or center and dims differ in length.
    """
    if not radius > 0:
        raise UserError(f"radius must be above 0, got {radius}")
    if len(center) != len(dims):
        raise UserError(f"center must have one number per entry, {len(dims)}, got {len(center)}")
    middle = torch.tensor([float(value) for value in center], dtype=torch.float32)
    entries = list(dims)

    def energy(x0: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        away = decode(x0, cond)[..., entries] - middle.to(x0)
        # The root of a sum of squares has no slope at 0; this one has slope 0, and sits within float's rounding.
        distance = (away.square().sum(-1) + (1e-6 * radius) ** 2).sqrt()
        size = _size(decode, x0, cond)[..., entries].mean(-1)
        return 0.5 * ((radius - distance).clamp(min=0) / size).square().sum(1)

    return energy


def near_previous(decode: Decode[C], previous: Tensor, weight: Tensor) -> Energy[C]:
    """1/2 sum of weight |a - previous|^2: the chunk should go on as the one before it promised.

    Args:
        previous: (B, Tp, A) actions that the last chunk had for these times.
        weight: (B, Tp), 0 where it had none.
    """

    def energy(x0: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        away = (decode(x0, cond) - previous.to(x0)) / _size(decode, x0, cond)
        return 0.5 * (weight.to(x0) * away.square().sum(2)).sum(1)

    return energy


def within(decode: Decode[C], low: Sequence[float], high: Sequence[float]) -> Energy[C]:
    """1/2 sum of the squared excess over the bounds.

    Args:
        low, high: (A,) bounds in action units; infinite where there is none.

    Raises:
        UserError: If a low bound is above a high one.
    """
    bottom, top = (torch.tensor([float(value) for value in end], dtype=torch.float32) for end in (low, high))
    if bottom.shape != top.shape or bool((bottom > top).any()):
        raise UserError(f"bounds must be as many lows as highs, none above, got {list(low)} and {list(high)}")

    def energy(x0: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        action = decode(x0, cond)
        over = (action - top.to(x0)).clamp(min=0) + (bottom.to(x0) - action).clamp(min=0)
        return 0.5 * (over / _size(decode, x0, cond)).square().sum((1, 2))

    return energy


def steady(share: float) -> Scale:
    """The scale under which ``Descend(..., where="clean")`` goes the same share of the way back at every level.

    Args:
        share: 1 goes to the edge; below it part of the way, above 2 it overshoots.
    """

    def scale(level: NoiseLevel) -> Tensor:
        return share * (level.alpha**2 + level.sigma**2) / level.sigma**2

    return scale


@torch.no_grad()
def _size(decode: Decode[C], x0: Tensor, cond: C) -> Tensor:
    """Action units per unit of diffusion space, of x0's shape; decoding is affine."""
    return (decode(torch.ones_like(x0), cond) - decode(torch.zeros_like(x0), cond)).abs()
