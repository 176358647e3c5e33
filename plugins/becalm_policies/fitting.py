"""What is read off the demonstrations before a training, and the pairs of windows and chunks that it is about."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.train.split import split_range
from becalm_policies.demonstrations.doubts import elsewhere, of_entries, of_episodes, too_short
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.demonstrations.looking import hide, keep, pick
from becalm_policies.demonstrations.normalise import methods_of
from becalm_policies.demonstrations.observe import PushT
from becalm_policies.demonstrations.prepare import prepare
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.demonstrations.windows import Windows
from becalm_policies.environments.own import id_of
from becalm_policies.formats.source import load, stamp
from becalm_policies.formats.tables import Selection
from becalm_policies.offline.bounds import beyond, choose, limited
from becalm_policies.offline.reference import pack, reference
from becalm_policies.settings import PolicySettings

_EXAMPLES = 8
_KEPT, _FEWEST, _MOST = 20, 10, 20
"""One of so many demonstrations is kept out to judge by, where there are at least so many; never more than the last."""


def held_out(settings: PolicySettings, count: int) -> int:
    """How many of ``count`` demonstrations are kept out of training."""
    if settings.holdout is not None:
        return settings.holdout
    return min(max(count // _KEPT, 1), _MOST) if count >= _FEWEST else 0


def loaded(settings: PolicySettings) -> Episodes:
    """The demonstrations of all splits, of which the arrays and the part are read that the settings name.

    They are read once as long as their files are the same.
    """
    selection = Selection(settings.observe.keys, settings.action_key, settings.subset)
    return _kept(settings.data, selection, stamp(settings.data))


@lru_cache(maxsize=1)
def _kept(data: str, selection: Selection, changed: object) -> Episodes:
    return load(data, selection)


def episodes_of(settings: PolicySettings, split: str) -> Episodes:
    """The demonstrations of split ``train`` or ``test``, as they came.

    Raises:
        UserError: If there are none.
    """
    episodes = loaded(settings)
    asked = settings.demonstrations
    count = len(episodes) if asked is None else min(asked, len(episodes))
    split_off = episodes.take(split_range(split, count, held_out(settings, count), "demonstration"))
    return pick(split_off, settings.cameras)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What a training is about.

    Attributes:
        windows: Of the episodes. episodes: As acting observes them, with their cameras.
        whole: (N, D) their steps' observations with what is hidden.
        observations: (W, To, D) of the windows. chunks: (W, Tp, A) as they are learnt.
    """

    windows: Windows
    episodes: Episodes
    whole: Array
    observations: Array
    chunks: Array


def pairs(settings: PolicySettings, split: str) -> Pairs:
    """The windows of a split, what they observe, and their chunks."""
    whole = prepare(episodes_of(settings, split), settings.prepare, settings.goal)
    episodes = hide(whole, settings.hidden)
    windows = windows_of(settings, episodes)
    chunks = limited(windows.actions(episodes), settings.bounds, settings.action_low, settings.action_high)
    return Pairs(windows, episodes, whole.observations, windows.observations(episodes), chunks)


def windows_of(settings: PolicySettings, episodes: Episodes) -> Windows:
    """All windows of these episodes."""
    return Windows.of(episodes, history=settings.history, horizon=settings.horizon, tail=settings.tail)


def positions(settings: PolicySettings, observations: Array) -> Array:
    """(B, A) what actions are relative to, of (B, To, D) observations."""
    if settings.relative:
        return observations[:, -1].take(settings.relative, axis=1)
    return np.zeros((len(observations), settings.action_size or 1))


def fit(settings: PolicySettings) -> dict[str, Any]:
    """Sizes, bounds and statistics of the training demonstrations, as fields of the settings.

    Raises:
        UserError: If they do not fit the configuration.
    """
    raw = episodes_of(settings, "train")
    whole = prepare(raw, settings.prepare, settings.goal)
    raw, episodes = hide(raw, settings.hidden), hide(whole, settings.hidden)
    _check(settings, raw, episodes)
    windows = windows_of(settings, episodes)
    seen, asked = windows.observations(episodes), windows.actions(episodes)
    scaled = _scaling(settings, raw, episodes, whole)
    features = scaled(asked).normalise(settings.observe(windows.observations(whole), settings.goal))
    flat, groups = features.reshape(len(seen), -1), windows.episode
    low, high = raw.spec.get("action_low"), raw.spec.get("action_high")
    bounds = settings.bounds
    if bounds == "auto":
        bounds = choose(flat, asked[:, settings.history - 1], low, high, groups)
    chunks = limited(asked, bounds, low, high) - positions(settings, seen)[:, None]
    statistics = scaled(chunks)
    if settings.reference != "none" and not settings.hidden:
        first, always = settings.history - 1, settings.reference == "linear"
        weights = reference(flat, chunks, groups, slice(first, first + settings.execute), always=always)
        line = {"linear": pack(weights)}
        rest = chunks - statistics.model_copy(update=line).line(features)
        statistics = scaled(rest).model_copy(update=line)
    return {
        "environment": settings.environment or id_of(raw.environment),
        "observation_size": episodes.observations.shape[1],
        "cameras": tuple(episodes.cameras),
        "camera_sizes": tuple(frames.size for frames in episodes.cameras.values()),
        "action_size": episodes.actions.shape[1],
        "action_low": low,
        "action_high": high,
        "bounds": bounds,
        "rate": settings.rate or raw.rate,
        "statistics": statistics.model_dump(),
    }


def summary(settings: PolicySettings) -> str:
    """What was read, in a line: how much, what is kept out, and what is done with actions beyond their bounds."""
    episodes = episodes_of(settings, "train")
    total = len(loaded(settings))
    asked = settings.demonstrations
    kept = held_out(settings, total if asked is None else min(asked, total))
    said = f"{episodes.summary()}; {kept or 'none'} more for test"
    share = beyond(episodes.actions, settings.action_low, settings.action_high)
    if not share:
        return said
    executed = settings.bounds == "clip" or "clip" in settings.prepare
    how = "as they were executed" if executed else "as they were asked for"
    return f"{said}; {100 * share:.2g} % of the steps have actions beyond their bounds, learnt {how} (--bounds)"


def doubts_of(settings: PolicySettings) -> list[str]:
    """What may be wrong with the training demonstrations, for these settings."""
    episodes = episodes_of(settings, "train")
    # Of actions beyond their bounds the summary speaks, and of what is done with them.
    found = [*of_entries(episodes), *of_episodes(episodes)]
    found += too_short(episodes, history=settings.history, horizon=settings.horizon, tail=settings.tail)
    goal = isinstance(settings.observe, PushT) and settings.observe.goal and episodes.observations.shape[1] == 5
    return found + (elsewhere(episodes, settings.goal) if goal else [])


def _check(settings: PolicySettings, raw: Episodes, episodes: Episodes) -> None:
    observed, acted = episodes.observations.shape[1], episodes.actions.shape[1]
    wrong = [entry for entry in settings.relative if not 0 <= entry < observed]
    if settings.relative and (wrong or len(settings.relative) != acted):
        raise UserError(
            f"relative must name one observed entry (0 to {observed - 1}) for each of the "
            f"{acted} entries of an action, got {list(settings.relative)}"
        )
    if settings.hidden and not episodes.cameras:
        raise UserError(f"hidden needs a camera whose pictures tell it, and {settings.data} has none")
    recorded = id_of(raw.environment)
    if settings.environment and recorded and settings.environment != recorded:
        raise UserError(f"the demonstrations are of {recorded}, not of {settings.environment}")


def _scaling(settings: PolicySettings, raw: Episodes, episodes: Episodes, whole: Episodes) -> Any:
    """Statistics of these episodes, but for the chunks; ``whole`` has the entries that are hidden, too."""
    acting = settings.normalise_actions
    first = Windows.of(raw, history=settings.history, horizon=settings.horizon, tail=settings.horizon)
    shown = np.linspace(0, len(first) - 1, _EXAMPLES + 1).astype(int)[:-1]
    return partial(
        Statistics.of,
        np.concatenate([raw.observations, episodes.observations]),
        settings.observe(whole.observations, settings.goal),
        spread=bool(settings.relative),
        examples=first.observations(raw)[shown],
        pictures=keep(raw, first.seen[shown, -1]),
        methods=_feature_methods(settings, whole),
        action_methods=methods_of(whole, "action", acting, "--normalise-actions") if acting else (),
    )


def _feature_methods(settings: PolicySettings, episodes: Episodes) -> list[str]:
    """How each feature is scaled."""
    size = episodes.observations.shape[1]
    sources = settings.observe.sources(size)
    by_entry = methods_of(episodes, "observation", settings.normalise, "--normalise")
    if sources is not None:
        return [by_entry[source] for source in sources]
    if len(set(by_entry)) > 1:
        raise UserError(
            f"normalise by key needs features of single entries, and observe {settings.observe.kind} mixes them, "
            f"got {', '.join(settings.normalise)}"
        )
    return [by_entry[0]] * settings.observe.size(size)
