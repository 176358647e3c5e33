"""Predictors of actions that need no training: what a policy that has learnt something must do better than.

mean        the mean chunk of the demonstrations
neighbours  the mean chunk of the five windows whose features are nearest
ridge       a regularised linear regression of the features
"""

from collections.abc import Callable, Mapping

import numpy as np

from becalm_policies.offline.ridge import Array, Groups, ridge

NEIGHBOURS = 5
MOST = 20_000
"""Training windows that rivals look at, evenly spread; more cost time and change little."""
_ROWS = 256

Predictor = Callable[[Array], Array]
"""Features (N, F) to outputs (N, K)."""


def rivals(features: Array, outputs: Array, groups: Groups) -> Mapping[str, Predictor]:
    """The predictors by name.

    Args:
        features: (N, F) of training windows. outputs: (N, K), what follows each. groups: (N,) the episode of each.
    """
    some = evenly(len(features), MOST)
    features, outputs, groups = features[some], outputs[some], groups[some]
    mean = outputs.mean(0)
    return {
        "ridge": ridge(features, outputs, groups),
        "neighbours": lambda asked: _neighbours(features, outputs, asked),
        "mean": lambda asked: np.broadcast_to(mean, (len(asked), len(mean))),
    }


def evenly(count: int, most: int) -> Groups:
    """Numbers of at most so many of ``count`` things, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _neighbours(features: Array, outputs: Array, asked: Array) -> Array:
    size = features.std(0)
    scale = np.where(size > 0, size, 1.0)
    known, near = features / scale, min(NEIGHBOURS, len(features))
    squares = (known**2).sum(1)
    found = []
    for first in range(0, len(asked), _ROWS):
        rows = asked[first : first + _ROWS] / scale
        # The square of the asked row itself is the same for all, so it is left out.
        distance = squares - 2 * rows @ known.T
        nearest = np.argpartition(distance, near - 1, axis=1)[:, :near]
        found.append(outputs[nearest].mean(1))
    return np.concatenate(found)
