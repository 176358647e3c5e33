"""Minari's HDF5 datasets: groups ``episode_N`` with one observation more than actions.

Since 0.5 what is known of the dataset stands in ``metadata.json`` beside ``main_data.hdf5``; before, in the attributes
of the file. Spaces are JSON in both.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.files.atomic import filling, replacing, write_together
from becalm.gate.hdf5 import opened
from becalm.gate.limit import Budget
from becalm.gate.regular import inside
from becalm.gate.text import read_table
from becalm.plugin.distribution.missing import explain
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.formats import hdf5
from becalm_policies.formats.parts import Episode, assemble, check_lengths, matrix, member, numbered, parsing

MAIN = "main_data.hdf5"
METADATA = "metadata.json"
_WHAT = "a Minari dataset"
_NAME = re.compile(r"[-_\w]+-v\d+")
_LAYOUT = "0.5.0"
_KEYS = ("dataset_id", "env_spec", "observation_space", "action_space", "total_episodes", "becalm")
_PER_STEP = ("rewards", "terminations")
_MAY_LACK = ("rewards", "terminated", "last")
"""What a store may lack and the layout asks for."""
_SUFFIXES = (".hdf5", ".h5")


def read(path: Path) -> Episodes:
    """Reads a dataset: its folder, the folder ``data`` in it, or the HDF5 file.

    Vectors of a Dict observation stand side by side in sorted order of key.

    Raises:
        UserError: If it is damaged, holds something else, or its actions are not vectors of real numbers.
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
            episodes = [_episode(budget, name, file[name]) for _, name in groups]
        spec = {"format": "minari", **_spec(metadata)}
        if episodes:
            spec = {"observation": episodes[0][1], "left_out": episodes[0][2], **spec}
        environment = _environment(metadata)
    return assemble(path, [_known(episode, metadata) for episode, *_ in episodes], environment, spec)


def _known(episode: Episode, metadata: Mapping[str, Any]) -> Episode:
    """The episode without what our own writer made up, since the layout asks for it, and said so."""
    if not (ours := _ours(metadata)):
        return episode
    # Files of becalm 0.1 do not speak of ends: all were made up.
    known = {name: getattr(episode, name) for name in _MAY_LACK if ours.get(name, name == "rewards")}
    return Episode(episode.observations, episode.actions, **{**dict.fromkeys(_MAY_LACK), **known})


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


def _episode(budget: Budget, name: str, group: Any) -> tuple[Episode, list[str], list[str]]:
    path = budget.path
    observations, names, left_out = hdf5.flatten(
        budget, f"{name}/observations", member(path, group, "observations", where=name)
    )
    values = hdf5.array(budget, group, "actions", name)
    if values.ndim == 1 and values.dtype.kind in "iub":
        raise UserError(f"{path}: {name}/actions must be vectors of real numbers, got whole numbers (a Discrete space)")
    actions = matrix(path, f"{name}/actions", values)
    last = None
    if len(observations) == len(actions) + 1:
        observations, last = observations[:-1], observations[-1]
    check_lengths(path, name, observations, actions)
    rewards, ends = (hdf5.per_step(budget, group, name, key, len(actions)) for key in _PER_STEP)
    terminated = None if ends is None else bool(ends[-1:].any())
    return Episode(observations, actions, rewards, terminated, last), names, left_out


def _ours(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What this module's own writer left: text in the attributes of a file, an object in JSON."""
    left = metadata.get("becalm", {})
    return dict(json.loads(left) if isinstance(left, str) else left)


def _spec(metadata: Mapping[str, Any]) -> dict[str, Any]:
    if "spec" in _ours(metadata):
        return dict(_ours(metadata)["spec"])
    action = _spaces(metadata, "action_space")
    spec: dict[str, Any] = {"source": str(metadata.get("dataset_id", ""))}
    for name in ("low", "high"):
        bound = np.asarray(action.get(name, [np.nan]), dtype=np.float64).reshape(-1)
        spec[f"action_{name}"] = bound.tolist() if bool(np.isfinite(bound).all()) else None
    return spec


def _environment(metadata: Mapping[str, Any]) -> str:
    specification = metadata.get("env_spec")
    return str(json.loads(specification).get("id") or "") if isinstance(specification, str) else ""


def write(path: Path, episodes: Episodes) -> None:
    """Writes a dataset that ``minari.load_dataset`` finds where MINARI_DATASETS_PATH is the folder around it.

    What the episodes do not say is made up, since the layout asks for it, and the metadata say so: rewards are zeros,
    the last observation is the one before it again, and an end counts as a truncation. Whole or not at all; a Minari
    dataset that is there is replaced.

    Args:
        path: The folder to make, named like ``lander-v0``; or an .hdf5 file, which then holds its metadata itself.
        episodes: What to write.

    Raises:
        UserError: If the name does not fit, something else is there, or it cannot be written.
    """
    check_target(path)
    try:
        if path.suffix in _SUFFIXES:
            with replacing(path) as temporary:
                _write_episodes(episodes, temporary, _written(episodes, f"{path.stem}-v0"))
        else:
            _write_folder(episodes, path)
    except ImportError as error:
        raise UserError(explain("h5py", who=str(path))) from error
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def check_target(path: Path) -> None:
    """Whether a dataset can be written there, as far as the name and what is there tell.

    Raises:
        UserError: If not.
    """
    if path.suffix in _SUFFIXES:
        return
    if not _NAME.fullmatch(path.name):
        raise UserError(f"a Minari dataset must be a folder named like lander-v0 or an .hdf5 file, got {path.name!r}")
    if path.exists() and not (path / "data" / MAIN).is_file():
        raise UserError(f"{path} exists and is no Minari dataset: name another folder")


def _write_folder(episodes: Episodes, path: Path) -> None:
    metadata = json.dumps(_written(episodes, path.name), indent=2).encode()

    def write_data(place: Path) -> None:
        _write_episodes(episodes, place, {})

    def write_metadata(place: Path) -> None:
        place.write_bytes(metadata)

    if path.exists():  # Renaming the old folder away first would leave none if we were killed then.
        write_together(((path / "data" / MAIN, write_data), (path / "data" / METADATA, write_metadata)))
        return
    with filling(path) as fresh:
        (fresh / "data").mkdir()
        write_together(((fresh / "data" / MAIN, write_data), (fresh / "data" / METADATA, write_metadata)))


def _write_episodes(episodes: Episodes, path: Path, attributes: Mapping[str, Any]) -> None:
    import h5py

    rewards = np.zeros(len(episodes.actions)) if episodes.rewards is None else episodes.rewards
    with h5py.File(path, "w", track_order=True) as file:
        for key, value in attributes.items():
            file.attrs[key] = json.dumps(value) if isinstance(value, dict) else value
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
            group = file.create_group(f"episode_{number}")
            group.attrs["id"] = number
            group.attrs["total_steps"] = int(end - start)
            final = episodes.observations[end - 1] if episodes.last is None else episodes.last[number]
            group["observations"] = np.concatenate([episodes.observations[start:end], final[None]])
            group["actions"] = episodes.actions[start:end]
            group["rewards"] = rewards[start:end]
            over = episodes.terminated is not None and bool(episodes.terminated[number])
            at_end = np.arange(end - start) == end - start - 1
            group["terminations"] = at_end & over
            group["truncations"] = at_end & (not over)
            group.create_group("infos")


def _written(episodes: Episodes, name: str) -> dict[str, Any]:
    spec = dict(episodes.spec)
    metadata: dict[str, Any] = {
        "dataset_id": name,
        "minari_version": _LAYOUT,
        "data_format": "hdf5",
        "jpeg_encoding": False,
        "total_episodes": len(episodes),
        "total_steps": len(episodes.actions),
        "dataset_size": round(episodes.observations.nbytes / 1e6, 1),
        "observation_space": _box(episodes.observations, None, None),
        "action_space": _box(episodes.actions, spec.get("action_low"), spec.get("action_high")),
        "becalm": {"spec": spec, **{name: getattr(episodes, name) is not None for name in _MAY_LACK}},
    }
    return {**metadata, "env_spec": _env_spec(episodes.environment)} if episodes.environment else metadata


def _box(values: Array, low: Any, high: Any) -> str:
    size = values.shape[1]
    space = {
        "type": "Box",
        "dtype": "float64",
        "shape": [size],
        "low": [-np.inf] * size if low is None else list(low),
        "high": [np.inf] * size if high is None else list(high),
    }
    return json.dumps(space)


def _env_spec(environment: str) -> str:
    """gymnasium's specification, so that Minari can make it again; the id alone if it is not registered."""
    try:
        from gymnasium.envs.registration import registry

        from becalm_policies.environments.register import register

        register()
        if known := registry.get(environment):
            return str(known.to_json())
    except Exception:  # noqa: S110  No gymnasium, or an entry point that cannot be written down.
        pass
    return json.dumps({"id": environment, "entry_point": None, "kwargs": {}, "additional_wrappers": []})
