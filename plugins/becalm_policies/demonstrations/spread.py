"""How the values of each entry lie: their range, that of nearly all of them, and what stands still or sticks out."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from becalm_policies.demonstrations.episodes import Array, Flags, Indices

_JITTER, _TINY = 1e-6, 1e-7
"""Range of an entry that stands still, of its largest value and in itself: rounding of float32, noise of a sensor."""
_SHARE = 0.005
"""Of the values at either end that may be outliers; at least one."""
_FAR, _SPARSE = 20.0, 1e4
"""How many ranges of the others an outlier is away from them; and how far it is from others that are all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Of D entries.

    Attributes:
        low, high: (D,) least and greatest value.
        inner_low, inner_high: (D,) the same of the values without those at either end.
        still: (D,) whether an entry stands still but for jitter.
        outlying: (D,) whether it has values far beyond nearly all others.
        farthest: (D,) the value farthest from the median. step: (D,) where that is.
    """

    low: Array
    high: Array
    inner_low: Array
    inner_high: Array
    still: Flags
    outlying: Flags
    farthest: Array
    step: Indices


def spread(values: Array) -> Spread:
    """Of a table (N, D)."""
    count = len(values)
    aside = min(max(1, math.ceil(_SHARE * count)), (count - 1) // 2)
    low, high = values.min(0), values.max(0)
    inner = np.partition(values, (aside, count // 2, count - 1 - aside), axis=0)
    inner_low, median, inner_high = inner[aside], inner[count // 2], inner[count - 1 - aside]
    step = np.abs(values - median).argmax(0)
    wide = np.where(inner_high > inner_low, _FAR * (inner_high - inner_low), _SPARSE * np.maximum(np.abs(median), 1))
    return Spread(
        low, high, inner_low, inner_high, still(low, high), high - low > wide,
        np.take_along_axis(values, step[None], axis=0)[0], step,
    )  # fmt: skip


def still(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> Flags:
    """Whether entries that range from ``low`` to ``high`` stand still but for jitter."""
    largest = np.maximum(np.abs(low), np.abs(high))
    flags: Flags = high - low <= np.maximum(_JITTER * largest, _TINY)
    return flags
