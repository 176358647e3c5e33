"""Two policies on the same N starts: is one better, by how much, and what difference would have gone unseen.

Of the starts, ``first`` end well under the first policy alone and ``second`` under the second alone. If both succeed
equally often, each of these discordant starts falls to either with probability 1/2, so

    p = min(1, 2 P(Binomial(first + second, 1/2) <= min(first, second)))

is exact (McNemar 1947). With several episodes of each start, a start's difference is that of its counts of successes,
and the test flips the signs of these, exactly as well; with one it is McNemar's. The interval of the difference of two
shares is Bonett and Price's (2012, eq. 4): Wald's, with one more start for each side, which also holds where no start
is discordant. Rewards and returns are compared by their differences start by start: a bootstrap interval of the mean,
and a test of flipped signs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from becalm_policies.rollouts.estimates import LEVEL, Estimate, mean
from becalm_policies.rollouts.power import NORMAL, POWER_NORMAL, binomial, visible, visible_share

Array = npt.NDArray[np.float64]

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
        discordant: Starts that only the first, and only the second policy mastered, or mastered more often; None but
            for ``success``.
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


def successes(first: npt.ArrayLike, second: npt.ArrayLike) -> Difference:
    """Compares successes, (N,) or (episodes of a start, N), start by start.

    Raises:
        ValueError: If there are no starts, or not as many of both.
    """
    before, after = _pair(first, second)
    episodes, count = before.shape
    apart = np.rint((after - before).sum(0)).astype(np.int64)
    only = int((apart < 0).sum()), int((apart > 0).sum())
    spread = float((apart**2).mean()) / episodes**2
    least = visible_share(count, spread) if episodes == 1 else visible(spread, count)
    estimate = share_difference(apart / episodes)
    return Difference("success", float(before.mean()), float(after.mean()), estimate, exact_flips(apart), least, only)


def values(measure: str, first: npt.ArrayLike, second: npt.ArrayLike, seed: int = 0) -> Difference:
    """Compares rewards or returns, (N,) or (episodes of a start, N), start by start, by their means.

    Resampling and flips are a function of ``seed``.

    Raises:
        ValueError: If there are no starts, or not as many of both.
    """
    before, after = _pair(first, second)
    apart = (after - before).mean(0)
    least = float(apart.std()) * (NORMAL + POWER_NORMAL) / math.sqrt(len(apart))
    estimate = mean(apart, seed)
    return Difference(measure, float(before.mean()), float(after.mean()), estimate, sign_flips(apart, seed), least)


def exact_flips(differences: npt.NDArray[np.int64]) -> float:
    """Exact two-sided p of a sum of whole differences, by all flips of their signs; of -1, 0 and 1 it is McNemar's."""
    sizes = np.bincount(np.abs(differences))
    total, chances = abs(int(differences.sum())), np.ones(1)
    for size, starts in enumerate(sizes):
        if size and starts:
            # Of so many starts of this size, k with a plus sum up to size (2 k - starts).
            steps = np.zeros(2 * size * int(starts) + 1)
            steps[:: 2 * size] = binomial(int(starts), 0.5)
            chances = np.convolve(chances, steps)
    sums = np.arange(len(chances)) - len(chances) // 2
    return min(1.0, float(chances[np.abs(sums) >= total].sum()))


def mcnemar(first: int, second: int) -> float:
    """McNemar's exact two-sided p of so many starts that only one policy mastered; 1 where there are none."""
    return exact_flips(np.repeat([-1, 1], [first, second]))


def share_difference(differences: npt.ArrayLike) -> Estimate:
    """Mean of the starts' differences in [-1, 1], with the interval of Bonett and Price 2012, eq. 4.

    Where there are several episodes of a start, the differences are not whole: it is the same interval by their spread.

    Raises:
        ValueError: If there are no starts, or a difference is beyond -1 or 1.
    """
    found = np.asarray(differences, np.float64)
    if found.size == 0 or np.abs(found).max() > 1:
        raise ValueError(f"differences must be one or more in [-1, 1], got {found.size}")
    wider = np.append(found, [-1.0, 1.0])
    half = NORMAL * float(wider.std()) / math.sqrt(len(wider))
    value, centre = float(found.mean()), float(wider.mean())
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


def holm(ps: Sequence[float]) -> list[float]:
    """Probabilities of several comparisons, corrected so that none of them is called by chance in 95 % (Holm 1979)."""
    order = np.argsort(ps, kind="stable")
    corrected = np.maximum.accumulate([min(1.0, (len(ps) - rank) * ps[place]) for rank, place in enumerate(order)])
    return [float(corrected[rank]) for rank in np.argsort(order, kind="stable")]


def _pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    """Both as (episodes of a start, N)."""
    before, after = (np.atleast_2d(np.asarray(each, np.float64)) for each in (first, second))
    if before.shape != after.shape or before.ndim != 2 or not before.size:
        raise ValueError(f"both policies must have the same starts, at least 1, got {before.shape} and {after.shape}")
    return before, after
