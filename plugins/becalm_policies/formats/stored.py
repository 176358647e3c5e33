"""becalm's own store, as a format: its entries are selected by their names, or by the arrays that they came from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from becalm.errors import UserError, nearest
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.normalise import columns_of
from becalm_policies.formats.tables import USUAL, Selection, no_subset

MARKS = {"observations.npy", "actions.npy", "ends.npy"}
"""What an archive holds that is a store."""


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a store.

    Raises:
        UserError: If it is damaged or no store, or what is selected is not there.
    """
    episodes = Episodes.read(path)
    if selection.subset:
        raise no_subset(path, selection.subset, ())
    if selection.keys:
        episodes = _observing(path, episodes, selection.keys)
    return _acting(path, episodes, selection.action) if selection.action else episodes


def _observing(path: Path, episodes: Episodes, keys: Sequence[str]) -> Episodes:
    columns, spec = _columns(path, episodes, "observation", keys, "--observe.keys")
    last = None if episodes.last is None else episodes.last[:, columns]
    return replace(episodes, observations=episodes.observations[:, columns], last=last, spec=spec)


def _acting(path: Path, episodes: Episodes, keys: Sequence[str]) -> Episodes:
    columns, spec = _columns(path, episodes, "action", keys, "--action-key")
    for name in ("action_low", "action_high"):
        if (bounds := spec.get(name)) is not None and len(bounds) == episodes.actions.shape[1]:
            spec[name] = [bounds[column] for column in columns]
    return replace(episodes, actions=episodes.actions[:, columns], spec=spec)


def _columns(
    path: Path, episodes: Episodes, title: str, keys: Sequence[str], flag: str
) -> tuple[list[int], dict[str, Any]]:
    """The entries that keys stand for, and the spec of these alone."""
    held = "keys" if title == "observation" else "action_keys"
    there = columns_of(episodes, title)
    columns: list[int] = []
    for key in keys:
        if key not in there:
            said = ", ".join([*there][:12])
            raise UserError(f"{path}: it must hold {key!r}, as {flag} asks, got {said}{nearest(key, there)}")
        if twice := set(columns) & set(there[key]):
            raise UserError(f"{flag} must name an entry once, got entry {min(twice)} twice")
        columns += there[key]
    names = episodes.names(title)
    kept = {title: [names[column] for column in columns] if names else None}
    return columns, {**episodes.spec, **kept, held: {key: len(there[key]) for key in keys}}
