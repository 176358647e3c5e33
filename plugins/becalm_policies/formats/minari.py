"""Minari's HDF5 datasets: groups ``episode_N`` with one observation more than actions.

Since 0.5 what is known of the dataset stands in ``metadata.json`` beside ``main_data.hdf5``; before, in the attributes
of the file. Spaces are JSON in both.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.gate.hdf5 import opened
from becalm.gate.limit import Budget
from becalm.gate.regular import inside
from becalm.gate.text import read_table
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import hdf5
from becalm_policies.formats.parts import Episode, assemble, check_lengths, numbered, parsing
from becalm_policies.formats.tables import (
    USUAL,
    Selection,
    Vectors,
    acted,
    check_same,
    described,
    no_subset,
    observed,
    per_step,
    side_by_side,
)

MAIN = "main_data.hdf5"
METADATA = "metadata.json"
_WHAT = "a Minari dataset"
_KEYS = ("dataset_id", "env_spec", "observation_space", "action_space", "total_episodes", "becalm")
_UNBOUNDED = {"action_low": None, "action_high": None}
_PER_STEP = ("rewards", "terminations")
MAY_LACK = ("rewards", "terminated", "last")
"""What a store may lack and the layout asks for."""


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a dataset: its folder, the folder ``data`` in it, or the HDF5 file.

    Vectors of a Dict observation stand side by side in sorted order of key, or in that of the keys selected.

    Raises:
        UserError: If it is damaged, holds something else, its actions are not vectors of real numbers, or what is
            selected is not there.
    """
    with parsing(path, _WHAT):
        file_path = _main(path)
        with opened(file_path) as file:
            budget = Budget(path)
            metadata = _metadata(path, file_path, file)
            _check_space(path, metadata, "action_space")
            _check_space(path, metadata, "observation_space")
            groups = numbered(file, "episode_")
            expected = metadata.get("total_episodes")
            if expected is not None and int(expected) != len(groups):
                raise UserError(f"{path} must hold {int(expected)} episodes as its metadata say, got {len(groups)}")
            if selection.subset:
                raise no_subset(path, selection.subset, ())
            episodes = [_episode(budget, name, file[name], selection) for _, name in groups]
        check_same(path, [seen for _, seen, *_ in episodes])
        spec = {"format": "minari", **_spec(metadata, bounded=not selection.action)}
        if episodes:
            _, seen, done, left_out = episodes[0]
            spec = {**spec, **described(seen, done), "left_out": left_out, **_told(spec, seen, done)}
        environment = _environment(metadata)
    return assemble(path, [_known(episode, metadata) for episode, *_ in episodes], environment, spec)


def _told(spec: Mapping[str, Any], seen: Vectors, done: Vectors) -> dict[str, Any]:
    """The names that a store which we wrote had for the entries, where all of them are read."""
    wanted = {"observation": len(seen.names), "action": len(done.names)}
    given = {title: spec.get(title) for title in wanted}
    return {title: names for title, names in given.items() if isinstance(names, list) and len(names) == wanted[title]}


def _known(episode: Episode, metadata: Mapping[str, Any]) -> Episode:
    """The episode without what our own writer made up, since the layout asks for it, and said so."""
    if not (ours := _ours(metadata)):
        return episode
    # Files of becalm 0.1 do not speak of ends: all were made up.
    known = {name: getattr(episode, name) for name in MAY_LACK if ours.get(name, name == "rewards")}
    return Episode(episode.observations, episode.actions, **{**dict.fromkeys(MAY_LACK), **known})


def _main(path: Path) -> Path:
    if path.is_file():
        return path
    for file in (path / "data" / MAIN, path / MAIN):
        if file.is_file():
            inside(path, file)
            return file
    raise UserError(f"{path} must hold data/{MAIN}: of Minari's storages only HDF5 can be read")


def _metadata(path: Path, file_path: Path, file: Any) -> dict[str, Any]:
    beside = file_path.parent / METADATA
    if file_path.name == MAIN and beside.is_file():
        inside(file_path.parent, beside)
        return read_table(beside, "file")
    if path.is_dir() and not len(file.attrs):
        raise UserError(f"{path} must hold data/{METADATA} beside {MAIN}")
    known = {key: file.attrs[key] for key in _KEYS if key in file.attrs}
    return {key: hdf5.text(value) if isinstance(value, bytes) else value for key, value in known.items()}


def _spaces(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    space = metadata.get(name)
    return dict(json.loads(space)) if isinstance(space, str) else {}


def _check_space(path: Path, metadata: Mapping[str, Any], name: str) -> None:
    kinds = set(_kinds(_spaces(metadata, name)))
    if wrong := kinds - {"Box", "Dict", "Tuple", "Text"}:
        raise UserError(f"{path}: the {name.replace('_', ' ')} must be a Box, got {', '.join(sorted(wrong))}")


def _kinds(space: Any) -> Iterator[str]:
    if kind := space.get("type"):
        yield str(kind)
    below = space.get("subspaces", ())
    for inner in below.values() if isinstance(below, dict) else below:
        yield from _kinds(inner)


def _episode(
    budget: Budget, name: str, group: Any, selection: Selection
) -> tuple[Episode, Vectors, Vectors, list[str]]:
    path, tables = budget.path, hdf5.tables(budget, name, group)
    names, left_out = observed(tables, "observations", selection)
    seen = side_by_side(tables, names, root="observations/", bare="observation")
    acting = acted(tables, "actions", selection)
    if len(acting) == 1 and (leaf := tables.leaves[acting[0]]).dtype.kind in "iub" and len(leaf.shape) == 1:
        said = "must be vectors of real numbers, got whole numbers (a Discrete space)"
        raise UserError(f"{path}: {name}/{acting[0]} {said}")
    done = side_by_side(tables, acting)
    observations, actions, last = seen.values, done.values, None
    if len(observations) == len(actions) + 1:
        observations, last = observations[:-1], observations[-1]
    check_lengths(path, name, observations, actions)
    rewards, ends = (per_step(tables, key, len(actions)) for key in _PER_STEP)
    terminated = None if ends is None else bool(ends[-1:].any())
    return Episode(observations, actions, rewards, terminated, last), seen, done, left_out


def _ours(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What this module's own writer left: text in the attributes of a file, an object in JSON."""
    left = metadata.get("becalm", {})
    return dict(json.loads(left) if isinstance(left, str) else left)


def _spec(metadata: Mapping[str, Any], *, bounded: bool) -> dict[str, Any]:
    """What is known of the dataset; ``bounded`` says that its bounds are those of the actions read."""
    if "spec" in _ours(metadata):
        return {**_ours(metadata)["spec"], **({} if bounded else _UNBOUNDED)}
    action = _spaces(metadata, "action_space")
    spec: dict[str, Any] = {"source": str(metadata.get("dataset_id", ""))}
    if not bounded:
        return {**spec, **_UNBOUNDED}
    for name in ("low", "high"):
        bound = np.asarray(action.get(name, [np.nan]), dtype=np.float64).reshape(-1)
        spec[f"action_{name}"] = bound.tolist() if bool(np.isfinite(bound).all()) else None
    return spec


def _environment(metadata: Mapping[str, Any]) -> str:
    specification = metadata.get("env_spec")
    return str(json.loads(specification).get("id") or "") if isinstance(specification, str) else ""
