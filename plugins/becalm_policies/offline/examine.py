"""A policy's chunks on windows of demonstrations that it was not trained on, beside rivals that need no training.

What is compared are the actions that would be executed: those from the present on, as many as a policy executes of a
chunk, within their bounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm_policies.offline.bounds import Limits
from becalm_policies.offline.errors import per_window
from becalm_policies.offline.ridge import FOLDS, Array, Groups
from becalm_policies.offline.rivals import evenly, rivals

WINDOWS, DRAWS = 200, 8


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Windows with what is compared to: everything but the policy's own chunks.

    Attributes:
        windows: (N,) their numbers. truth: (N, K) what was executed after each. groups: (N,) their episodes.
        others: (N, K) what each rival says. size: (K,) what counts as 1.
    """

    windows: Groups
    truth: Array
    groups: Groups
    others: Mapping[str, Array]
    size: Array


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Windows and what follows them.

    Attributes:
        features: (W, F). chunks: (W, Te, A) executed parts, in the environment's units.
        moved: (W, A) what actions are relative to; zeros where they are absolute. groups: (W,) the episode of each.
    """

    features: Array
    chunks: Array
    moved: Array
    groups: Groups

    def take(self, rows: Any) -> "Pairs":
        """Some of them."""
        return Pairs(*(getattr(self, field.name)[rows] for field in fields(self)))


def known(train: Pairs, test: Pairs, low: Limits, high: Limits) -> Known:
    """What stays the same however long a policy is trained: rivals learn from the training windows once."""
    pick = evenly(len(test.features), WINDOWS)
    learnt = (train.chunks - train.moved[:, None]).reshape(len(train.chunks), -1)
    size = learnt.std(0)
    others = {}
    for name, predict in rivals(train.features, learnt, train.groups).items():
        guess = predict(test.features[pick]).reshape(-1, *test.chunks.shape[1:]) + test.moved[pick, None]
        others[name] = executed(guess, low, high)
    truth = executed(test.chunks[pick], low, high)
    return Known(pick, truth, test.groups[pick], others, np.where(size > 0, size, 1.0))


def executed(chunks: Array, low: Limits, high: Limits) -> Array:
    """(..., Te A) what the environment makes of chunks (..., Te, A)."""
    clipped = chunks if low is None or high is None else np.clip(chunks, low, high)
    return clipped.reshape(*clipped.shape[:-2], -1)


def crossed(whole: Pairs, low: Limits, high: Limits) -> Known:
    """All windows, of each of which rivals that had not seen its episode say what follows.

    Raises:
        UserError: If there is one episode alone.
    """
    episodes = np.unique(whole.groups)
    if len(episodes) < 2:
        raise UserError("rivals learn from other episodes than those they are judged by: there must be two, got one")
    folds = np.searchsorted(episodes, whole.groups) % min(FOLDS, len(episodes))
    parts = []
    for fold in np.unique(folds):
        part = known(whole.take(folds != fold), whole.take(folds == fold), low, high)
        parts.append(replace(part, windows=np.flatnonzero(folds == fold)[part.windows]))
    others = {name: np.concatenate([part.others[name] for part in parts]) for name in parts[0].others}
    windows, truth, groups = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("windows", "truth", "groups")
    )
    return Known(windows, truth, groups, others, np.mean([part.size for part in parts], axis=0))


def examine(
    told: Known, draw: Callable[[Groups], Array], low: Limits, high: Limits, samples: int = DRAWS
) -> dict[str, Array]:
    """The figures of ``errors.per_window``.

    Args:
        draw: Numbers of windows (N,) to executed parts (N, Te, A) of a chunk each, sampled by the policy.
        samples: Chunks of each window. No figure is larger for there being few, but its chance is.
    """
    count = len(told.windows)
    drawn = draw(np.tile(told.windows, samples))
    draws = executed(drawn.reshape(samples, count, *drawn.shape[1:]), low, high)
    if np.array_equal(draws[0], draws[-1]):  # At temperature 0 all are the same.
        draws = draws[:1]
    return per_window(told.truth, draws, told.others, told.size)
