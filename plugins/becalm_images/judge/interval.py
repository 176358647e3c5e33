"""A figure of n samples and its 95 % interval: how far off others of the same kind may be.

A share of independent samples has Wilson's interval, a mean the normal distribution's; a Frechet distance or a recall,
which no sample has by itself, the delete-a-group jackknife's.
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


def average(values: Tensor) -> Estimate:
    """The mean of (N,) independent numbers, N at least 2, by the normal distribution."""
    value, half = float(values.mean()), _NORMAL * float(values.std()) / math.sqrt(len(values))
    return Estimate(value, value - half, value + half)


def jackknife(figure: Callable[[Tensor], float], strata: Tensor, most: float = math.inf) -> Estimate:
    """A figure of a set, and its interval from the set without each of its groups (Shao and Tu 1995, section 2.3).

    No sample is there twice: a bootstrap's repeats would add to a Frechet distance the bias of a smaller set. How many
    samples a stratum has is no chance, as of classes that were asked for, so each is spread over the groups evenly.

    Args:
        figure: Of the samples of these indices, a number from 0 to ``most``.
        strata: (N,) stratum of each sample, N at least the number of groups; zeros if all were drawn alike.
    """
    index = torch.arange(len(strata))
    group = torch.empty_like(index)
    group[strata.argsort(stable=True)] = index % GROUPS
    without = torch.tensor([figure(index[group != number]) for number in range(GROUPS)], dtype=torch.float64)
    value, half = figure(index), _STUDENT * math.sqrt((GROUPS - 1) * float(without.var(unbiased=False)))
    return Estimate(value, max(0.0, value - half), min(most, value + half))


def mean(estimates: Sequence[Estimate]) -> Estimate:
    """Value and ends of several sets of one size, averaged: what to expect of one such set."""
    return Estimate(*(math.fsum(parts) / len(estimates) for parts in zip(*estimates, strict=True)))
