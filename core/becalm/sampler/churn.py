"""Churn: before each step of a path noise is put back, so the path goes up a little each time (Karras et al. 2022,
algorithm 2, S_churn over the whole path).

The level rises to sigma (1 + gamma), gamma = min(churn / steps, sqrt 2 - 1). The alpha stays, since a denoiser of
unit-variance input knows a level by sigma / alpha; the time follows the path's own relation of time to angle.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from becalm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.path import Path

_EPSILON = 1e-12


def churned(path: Path, churn: float) -> Path:
    """The path with a raised level after each of its levels but the last.

    Raises:
        UserError: If its levels are no scalars.
    """
    from becalm.level import NoiseLevel

    if churn == 0:
        return path
    if not path.scalar:
        raise UserError(f"churn needs scalar levels, not one per coordinate: churn must be 0 on this path, got {churn}")
    gamma = min(churn / (len(path) - 1), math.sqrt(2.0) - 1)
    known = sorted((float(level.angle), float(level.t)) for level in path)
    levels = []
    for level in path[:-1]:
        raised = NoiseLevel(level.t, level.alpha, level.sigma * (1 + gamma))
        levels += [level, NoiseLevel(level.t.new_tensor(_time(known, float(raised.angle))), raised.alpha, raised.sigma)]
    return type(path).of([*levels, path[-1]])


def added(path: Path) -> Tensor:
    """The standard deviation of the noise that a move up adds where alpha stays, (L - 1,); 0 on the way down."""
    return (path.sigma[1:] ** 2 - path.sigma[:-1] ** 2).clamp(min=0).sqrt()


def _time(known: list[tuple[float, float]], angle: float) -> float:
    """Time of a level by linear interpolation in its angle; the last time beyond the path's noisiest level."""
    for (low, early), (high, late) in pairwise(known):
        if low <= angle <= high:
            return early + (late - early) * (angle - low) / (high - low + _EPSILON)
    return known[-1][1]
