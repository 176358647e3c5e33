"""Demonstrated actions beyond their bounds: learnt as they were asked for, or as the environment executed them.

Neither is right always. Where an expert's law is simple and the bounds cut it off, what it asked for is the simpler
function; where it asks for far too much, the rest of its values sets the scale. So two regressions are asked, one on
either, and each is judged by what the environment would execute of it on episodes left out.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from becalm_policies.offline.ridge import Array, Groups, bend, ridge
from becalm_policies.offline.rivals import MOST, evenly

Bounds = Literal["auto", "raw", "clip"]


Limits = Sequence[float] | None


def limited(actions: Array, bounds: Bounds, low: Limits, high: Limits) -> Array:
    """Actions (..., A) as they are learnt; bounds are those of their environment, where it is known."""
    return np.clip(actions, low, high) if bounds == "clip" and low is not None and high is not None else actions


def beyond(actions: Array, low: Limits, high: Limits) -> float:
    """Share of the actions (N, A) with an entry beyond its bounds."""
    if low is None or high is None:
        return 0.0
    return float(((actions < np.asarray(low)) | (actions > np.asarray(high))).any(1).mean())


def choose(features: Array, actions: Array, low: Limits, high: Limits, groups: Groups) -> Literal["raw", "clip"]:
    """Whether raw or clipped actions are learnt better; raw where nothing lies beyond.

    Args:
        features: (W, F), normalised to about [-1, 1]. actions: (W, A), what follows each.
        low, high: (A,) bounds, infinite where there is none. groups: (W,) the episode of each.
    """
    if not beyond(actions, low, high):
        return "raw"
    some = evenly(len(features), MOST)
    bent = bend(features[some])
    truth = np.clip(actions[some], low, high)
    errors = []
    for learnt in (actions[some], truth):
        executed = np.clip(ridge(bent, learnt, groups[some]).left_out, low, high)
        errors.append(_error(executed, truth))
    return "raw" if errors[0] < errors[1] else "clip"


def _error(guess: Array, truth: Array) -> float:
    spread = truth.var(0)
    varies = spread > 0
    if not varies.any():
        return 0.0
    return float((((guess - truth) ** 2).mean(0)[varies] / spread[varies]).mean())
