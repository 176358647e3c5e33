"""A figure of n samples and its 95 % interval: how far off others of the same kind may be.

A share of independent samples has Wilson's interval; a Frechet distance or a recall, which no sample has by itself, the
delete-a-group jackknife's.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

GROUPS = 20
_NORMAL = 1.959963984540054  # 97.5 % of the normal distribution.
_STUDENT = 2.093024054408263  # The same of Student's t with GROUPS - 1 degrees of freedom.


class Estimate(NamedTuple):
    """A figure and the ends of its interval."""

    value: float
    low: float
    high: float


def share(right: Tensor) -> Estimate:
    """The share of true among (N,) bools (Wilson 1927)."""
    count, value = len(right), float(right.double().mean())
    square = _NORMAL**2 / count
    centre = (value + square / 2) / (1 + square)
    half = _NORMAL / (1 + square) * math.sqrt(value * (1 - value) / count + square / (4 * count))
    return Estimate(value, max(0.0, centre - half), min(1.0, centre + half))


def jackknife(figure: Callable[[Tensor], float], count: int, most: float = math.inf) -> Estimate:
    """A figure of a set, and its interval from the set without each of its groups (Shao and Tu 1995, section 2.3).

    Group g holds the samples g, g + 20, g + 40 and so on. No sample is there twice: a bootstrap's repeats would add to
    a Frechet distance the bias of a smaller set.

    Args:
        figure: Of the samples of these indices, a number from 0 to ``most``.
        count: Size of the set, at least the number of groups.
    """
    index = torch.arange(count)
    value = figure(index)
    without = torch.tensor([figure(index[index % GROUPS != group]) for group in range(GROUPS)], dtype=torch.float64)
    half = _STUDENT * math.sqrt((GROUPS - 1) * float(without.var(unbiased=False)))
    return Estimate(value, max(0.0, value - half), min(most, value + half))


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """Value and ends of several sets of one size, averaged: what to expect of one such set."""
    return Estimate(*(math.fsum(parts) / len(estimates) for parts in zip(*estimates, strict=True)))
