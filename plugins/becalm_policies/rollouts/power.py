"""The power of a comparison on matched starts: how likely a true difference of successes is called."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from becalm_policies.rollouts.estimates import LEVEL

Array = npt.NDArray[np.float64]

POWER = 0.8
"""Share of comparisons in which a difference is to be called, where the size of one that can be seen is told."""
NORMAL, POWER_NORMAL = 1.959963984540054, 0.8416212335729143
"""Quantiles of the standard normal distribution at (1 + LEVEL) / 2 and at POWER."""


def power(count: int, discordance: float, difference: float) -> float:
    """Probability that McNemar's exact test calls a difference at 5 %.

    Args:
        count: Starts. discordance: Share of them that only one of the policies masters, in (0, 1].
        difference: True difference of the shares of successes, at most ``discordance`` in size.

    Raises:
        ValueError: If the difference is larger than the discordance, or that is no share.
    """
    if not 0 < discordance <= 1 or abs(difference) > discordance:
        raise ValueError(
            f"discordance must be in (0, 1] and at least the difference, got {discordance} and {difference}"
        )
    odds, total = 0.5 + abs(difference) / (2 * discordance), 0.0
    for starts, weight in enumerate(binomial(count, discordance)):
        if weight > 1e-9:
            tail, least = binomial(starts, odds), _rejected(starts)
            total += float(weight) * float(tail[:least].sum() + tail[starts + 1 - least :].sum()) if least else 0.0
    return total


def visible_share(count: int, discordance: float) -> float:
    """The smallest difference of shares that McNemar's exact test calls in ``POWER`` of comparisons; 1 if it has none.

    Args:
        discordance: Share of the starts that only one policy masters; a difference beyond it makes it larger.
    """
    low, high = 0.0, 1.0
    if power(count, 1.0, 1.0) < POWER:
        return high
    while high - low > 1e-4:
        middle = (low + high) / 2
        seen = power(count, max(discordance, middle), middle) >= POWER
        low, high = (low, middle) if seen else (middle, high)
    return high


def visible(variance: float, count: int) -> float:
    """The smallest difference of shares that is called in ``POWER`` of comparisons, by the normal distribution.

    Connor 1987, eq. 3, solved for the difference; for several episodes of a start.

    Args:
        variance: Mean square of the starts' differences; with one episode of each the share of discordant starts.
    """
    a, b = NORMAL, POWER_NORMAL
    root = a * a * count * variance - (count + b * b) * (a * a - b * b) * variance
    return min((a * math.sqrt(count * variance) + math.sqrt(max(root, 0.0))) / (count + b * b), 1.0)


def binomial(count: int, share: float) -> Array:
    """(count + 1,) probabilities of 0 to ``count`` successes."""
    if share in (0.0, 1.0):
        certain: Array = (np.arange(count + 1) == round(share) * count).astype(np.float64)
        return certain
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    number = np.arange(count + 1)
    ways = logs[-1] - logs - logs[::-1]
    probability: Array = np.exp(ways + number * math.log(share) + (count - number) * math.log1p(-share))
    return probability


@cache
def _rejected(starts: int) -> int:
    """How many counts from 0 on are so few, of so many discordant starts, that the test calls them."""
    return int((2 * np.cumsum(binomial(starts, 0.5)[: (starts + 1) // 2]) <= 1 - LEVEL + 1e-12).sum())
