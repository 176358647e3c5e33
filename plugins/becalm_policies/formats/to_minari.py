"""Demonstrations written as a Minari dataset, whole or not at all."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.files.atomic import filling, replacing, write_together
from becalm.plugin.distribution.missing import explain
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.formats.minari import MAIN, MAY_LACK, METADATA

_NAME = re.compile(r"[-_\w]+-v\d+")
_LAYOUT = "0.5.0"
_SUFFIXES = (".hdf5", ".h5")


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
        "becalm": {"spec": spec, **{name: getattr(episodes, name) is not None for name in MAY_LACK}},
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
