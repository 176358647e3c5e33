"""Estimates of a policy's rollouts, each with the interval that its number of episodes allows.

A mean comes with a percentile bootstrap interval (Efron 1979), a share of successes with Wilson's (Wilson 1927), which
stays inside [0, 1] and is honest near its ends.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
_NORMAL = 1.959963984540054  # Quantile of the standard normal distribution at (1 + LEVEL) / 2.
_RESAMPLES = 10_000
_BLOCK = 2**22


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one episode came to.

    Attributes:
        episode: Number of the start.
        steps: Steps taken.
        best: Largest reward of a step.
        total: Sum of the rewards.
        success: Whether the environment called it one; None if it knows no successes.
        notes: What else the environment said at the end: truth values and words.
    """

    episode: int
    steps: int
    best: float
    total: float
    success: bool | None
    notes: Mapping[str, bool | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of some episodes.

    Attributes:
        best: Mean over episodes of the largest reward.
        total: Mean return.
        success: Share of successes, or None.
        steps: Mean length.
        notes: Share of the episodes that ended with each truth value or word, as ``crash`` or ``way over``.
    """

    best: Estimate
    total: Estimate
    success: Estimate | None
    steps: float
    notes: Mapping[str, Estimate]


def summarise(outcomes: Sequence[Outcome], seed: int = 0) -> Summary:
    """The figures of at least one episode; resampling is a function of ``seed``."""
    known = [outcome.success for outcome in outcomes if outcome.success is not None]
    return Summary(
        mean([outcome.best for outcome in outcomes], seed),
        mean([outcome.total for outcome in outcomes], seed),
        share(sum(known), len(known)) if len(known) == len(outcomes) else None,
        float(np.mean([outcome.steps for outcome in outcomes])),
        _shares(outcomes),
    )


def _shares(outcomes: Sequence[Outcome]) -> dict[str, Estimate]:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        for name, value in outcome.notes.items():
            key = f"{name} {value}" if isinstance(value, str) else name
            counts[key] = counts.get(key, 0) + (1 if isinstance(value, str) else int(value))
    return {name: share(count, len(outcomes)) for name, count in sorted(counts.items())}


def mean(values: Sequence[float] | npt.NDArray[np.float64], seed: int = 0) -> Estimate:
    """A mean with its percentile bootstrap interval of 10,000 resamples.

    Raises:
        ValueError: If there are no values.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("a mean needs at least one value, got none")
    rng = np.random.default_rng(seed)
    rows = max(_BLOCK // array.size, 1)
    means = np.concatenate(
        [
            array[rng.integers(array.size, size=(min(rows, _RESAMPLES - start), array.size))].mean(1)
            for start in range(0, _RESAMPLES, rows)
        ]
    )
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(array.mean()), float(low), float(high))


def share(successes: int, count: int) -> Estimate:
    """A share of successes with Wilson's score interval.

    Raises:
        ValueError: If there are no trials, or more successes than trials.
    """
    if not 0 <= successes <= count or count == 0:
        raise ValueError(f"a share needs at least one trial and at most as many successes, got {successes} of {count}")
    value, spread = successes / count, _NORMAL**2 / count
    centre = (value + spread / 2) / (1 + spread)
    half = _NORMAL / (1 + spread) * math.sqrt(value * (1 - value) / count + spread / (4 * count))
    return Estimate(value, min(max(centre - half, 0.0), value), max(min(centre + half, 1.0), value))


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p95 of durations, in milliseconds."""
    p50, p95 = np.percentile(np.asarray(seconds), [50, 95]) * 1e3
    return float(p50), float(p95)
