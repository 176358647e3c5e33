"""Two policies on the same N starts: is one better, by how much, and what difference would have gone unseen.

Of the starts, ``first`` end well under the first policy alone and ``second`` under the second alone. If both succeed
equally often, each of these discordant starts falls to either with probability 1/2, so

    p = min(1, 2 P(Binomial(first + second, 1/2) <= min(first, second)))

is exact (McNemar 1947). The interval of the difference of two shares is Bonett and Price's (2012, eq. 4): Wald's, with
one more start for each side, which also holds where no start is discordant. Rewards and returns are compared by their
differences start by start: a bootstrap interval of the mean, and a test of flipped signs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from becalm_policies.rollouts.estimates import LEVEL, Estimate, mean

Array = npt.NDArray[np.float64]

POWER = 0.8
"""Share of comparisons in which a difference is to be called, where the size of one that can be seen is told."""
_NORMAL, _POWER_NORMAL = 1.959963984540054, 0.8416212335729143  # Quantiles at (1 + LEVEL) / 2 and at POWER.
_FLIPS = 10_000
_BLOCK = 2**22


@dataclass(frozen=True, slots=True)
class Difference:
    """What one measure says of two policies.

    Attributes:
        measure: ``success``, ``best`` (largest reward) or ``total`` (return).
        first, second: The mean of each policy.
        estimate: Second minus first, with its 95 % interval.
        p: Probability of a difference at least as large if neither policy is better.
        visible: The smallest true difference that so many starts call in ``POWER`` of comparisons.
        discordant: Starts that only the first, and only the second policy mastered; None but for ``success``.
    """

    measure: str
    first: float
    second: float
    estimate: Estimate
    p: float
    visible: float
    discordant: tuple[int, int] | None = None

    @property
    def called(self) -> bool:
        """Whether the test calls a difference at 5 %."""
        return self.p <= 1 - LEVEL + 1e-12


def successes(first: Sequence[bool], second: Sequence[bool]) -> Difference:
    """Compares successes start by start.

    Raises:
        ValueError: If there are no starts, or not as many of both.
    """
    before, after = _pair(first, second)
    only = int(((before > 0) & (after == 0)).sum()), int(((after > 0) & (before == 0)).sum())
    count = len(before)
    spread = min(visible_share(count, sum(only) / count), 1.0)
    return Difference(
        "success",
        float(before.mean()),
        float(after.mean()),
        share_difference(*only, count),
        mcnemar(*only),
        spread,
        only,
    )


def values(measure: str, first: Sequence[float], second: Sequence[float], seed: int = 0) -> Difference:
    """Compares rewards or returns start by start; resampling and flips are a function of ``seed``.

    Raises:
        ValueError: If there are no starts, or not as many of both.
    """
    before, after = _pair(first, second)
    apart = after - before
    spread = float(apart.std()) * (_NORMAL + _POWER_NORMAL) / math.sqrt(len(apart))
    estimate = mean(apart, seed)
    return Difference(measure, float(before.mean()), float(after.mean()), estimate, sign_flips(apart, seed), spread)


def mcnemar(first: int, second: int) -> float:
    """McNemar's exact two-sided p of so many starts that only one policy mastered; 1 where there are none."""
    count = first + second
    return min(1.0, 2 * float(_binomial(count, 0.5)[: min(first, second) + 1].sum()))


def share_difference(first: int, second: int, count: int) -> Estimate:
    """Share of the second less share of the first, with the interval of Bonett and Price 2012, eq. 4.

    Raises:
        ValueError: If there are no starts, or more discordant ones than starts.
    """
    if count < 1 or min(first, second) < 0 or first + second > count:
        raise ValueError(f"starts must be at least 1 and at least the discordant, got {first} + {second} of {count}")
    more, less = (second + 1) / (count + 2), (first + 1) / (count + 2)
    half = _NORMAL * math.sqrt((more + less - (more - less) ** 2) / (count + 2))
    value, centre = (second - first) / count, more - less
    return Estimate(value, min(max(centre - half, -1.0), value), max(min(centre + half, 1.0), value))


def sign_flips(differences: Array, seed: int = 0) -> float:
    """Two-sided p of a mean difference, by 10,000 random flips of signs (Fisher 1935).

    Exact where both policies do alike on every start; the flips seen count the one that happened.
    """
    reached = abs(float(differences.sum()))
    if reached == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    rows, larger = max(_BLOCK // len(differences), 1), 1
    for begun in range(0, _FLIPS, rows):
        signs = rng.integers(0, 2, (min(rows, _FLIPS - begun), len(differences)), dtype=np.int8) * 2 - 1
        # Sums of the same numbers in another order differ in their last digits.
        larger += int((np.abs(signs @ differences) >= reached * (1 - 1e-9)).sum())
    return larger / (_FLIPS + 1)


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
    for starts, weight in enumerate(_binomial(count, discordance)):
        if weight > 1e-9:
            tail, least = _binomial(starts, odds), _rejected(starts)
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


def holm(ps: Sequence[float]) -> list[float]:
    """Probabilities of several comparisons, corrected so that none of them is called by chance in 95 % (Holm 1979)."""
    order = np.argsort(ps, kind="stable")
    corrected = np.maximum.accumulate([min(1.0, (len(ps) - rank) * ps[place]) for rank, place in enumerate(order)])
    return [float(corrected[rank]) for rank in np.argsort(order, kind="stable")]


@cache
def _rejected(starts: int) -> int:
    """How many counts from 0 on are so few, of so many discordant starts, that the test calls them."""
    return int((2 * np.cumsum(_binomial(starts, 0.5)[: (starts + 1) // 2]) <= 1 - LEVEL + 1e-12).sum())


def _binomial(count: int, share: float) -> Array:
    """(count + 1,) probabilities of 0 to ``count`` successes."""
    if share in (0.0, 1.0):
        certain: Array = (np.arange(count + 1) == round(share) * count).astype(np.float64)
        return certain
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    number = np.arange(count + 1)
    ways = logs[-1] - logs - logs[::-1]
    probability: Array = np.exp(ways + number * math.log(share) + (count - number) * math.log1p(-share))
    return probability


def _pair(first: Sequence[float], second: Sequence[float]) -> tuple[Array, Array]:
    before, after = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise ValueError(f"both policies must have the same starts, at least 1, got {before.shape} and {after.shape}")
    return before, after
