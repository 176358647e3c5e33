"""LeRobot's datasets, versions 2 and 3: ``meta/info.json`` and parquet files, one per episode (v2) or of many (v3).

Both are read the same way: all rows of ``data/**/*.parquet``, in order of episode and frame.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, nearest
from becalm.gate.limit import Budget
from becalm.gate.parquet import check_columns, opened
from becalm.gate.regular import inside
from becalm.gate.text import read_table
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats.parts import check_member, entries, matrix, member, parsing, series, store
from becalm_policies.formats.tables import USUAL, Selection, no_subset

INFO = "meta/info.json"
_WHAT = "a LeRobot dataset"
_OBSERVED = "observation."
_PICTURES = ("image", "video")
_STATE, _MORE = "observation.state", "observation.environment_state"
_ACTION, _REWARD, _EPISODE, _FRAME = "action", "next.reward", "episode_index", "frame_index"


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads the low-dimensional columns: the state, then the environment's state, as far as they are there; else all
    that is observed. Images stay out.

    Raises:
        UserError: If it is damaged, of another version, holds no low-dimensional observation, lacks rows, or what is
            selected is not there.
    """
    with parsing(path, _WHAT):
        inside(path, path / INFO)
        info = read_table(path / INFO, "file")
        version = str(info.get("codebase_version", ""))
        if not version.startswith(("v2", "v3")):
            raise UserError(f"{path}: codebase_version must be v2 or v3, got {version[:40] or 'none'}")
        features = member(path, info, "features", where=INFO)
        seen = _observed(path, features, selection)
        acting = _named(path, features, selection.action, "--action-key") if selection.action else [_ACTION]
        for name in (*seen, *acting):
            check_member(path, features, name, where="the features")
        columns = dict.fromkeys((_EPISODE, _FRAME, *seen, *acting, *([_REWARD] if _REWARD in features else [])))
        rows = _rows(path, list(columns))
        order = np.lexsort((rows[_FRAME], rows[_EPISODE]))
        rows = {name: values[order] for name, values in rows.items()}
        starts = np.flatnonzero(np.diff(rows[_EPISODE], prepend=-1))
        ends = np.append(starts[1:], len(order))
        _check_whole(path, info, rows, starts, ends)
        tables = {name: matrix(path, name, rows[name]) for name in (*seen, *acting)}
        rewards = series(path, _REWARD, rows[_REWARD]) if _REWARD in rows else None
        subsets = _subsets(info, len(ends))
        spec = {
            "format": f"lerobot {version}",
            "observation": [entry for name in seen for entry in _names(name, features[name], rows[name])],
            "keys": {name: tables[name].shape[1] for name in seen},
            "action": [entry for name in acting for entry in _names(name, features[name], rows[name])],
            "action_keys": {name: tables[name].shape[1] for name in acting},
            "rate": info.get("fps"),
            "source": str(info.get("repo_id") or info.get("robot_type") or ""),
            "left_out": sorted(name for name in features if name.startswith(_OBSERVED) and name not in seen),
            **({"subsets": {name: len(held) for name, held in subsets.items()}} if subsets else {}),
        }
        observations, actions = (np.concatenate([tables[name] for name in names], axis=1) for names in (seen, acting))
        if selection.subset and selection.subset not in subsets:
            raise no_subset(path, selection.subset, subsets)
    episodes = store(path, observations, actions, ends, rewards, "", spec)
    return episodes.take(subsets[selection.subset]) if selection.subset else episodes


def _observed(path: Path, features: Mapping[str, Any], selection: Selection) -> list[str]:
    """The features that are asked for, else the usual ones, else all that are observed and no pictures."""
    if selection.keys:
        return _named(path, features, selection.keys, "--observe.keys")
    usual = [name for name in (_STATE, _MORE) if name in features]
    others = [name for name in features if name.startswith(_OBSERVED) and _kind(features[name]) not in _PICTURES]
    if not (usual or others):
        said = ", ".join(f"{name} ({_kind(features[name])})" for name in sorted(features)[:12]) or "nothing"
        raise UserError(f"{path}: the features must hold {_STATE!r} or another vector that is observed, got {said}")
    return usual or others


def _named(path: Path, features: Mapping[str, Any], keys: Sequence[str], flag: str) -> list[str]:
    """The features that keys name, in full or without ``observation.``."""
    found: list[str] = []
    for key in keys:
        name = next((name for name in (key, f"{_OBSERVED}{key}") if name in features), None)
        if name is None:
            said = f"{', '.join(sorted(features)[:12])}{nearest(key, list(features))}"
            raise UserError(f"{path}: the features must hold {key!r}, as {flag} asks, got {said}")
        if _kind(features[name]) in _PICTURES:
            raise UserError(f"{path}: {name} must be a vector of numbers, as {flag} asks, got {_kind(features[name])}")
        if name in found:
            raise UserError(f"{flag} must name a feature once, got {name!r} twice")
        found.append(name)
    return found


def _kind(feature: Any) -> str:
    return str(feature.get("dtype", "unknown")) if isinstance(feature, dict) else "unknown"


def _subsets(info: Mapping[str, Any], count: int) -> dict[str, range]:
    """The episodes of each split that is written as ``{"train": "0:50"}``."""
    found: dict[str, range] = {}
    for name, span in (info.get("splits") or {}).items():
        match = re.fullmatch(r"(\d{1,12}):(\d{1,12})", str(span))
        if match is not None and int(match[1]) < int(match[2]) <= count:
            found[str(name)] = range(int(match[1]), int(match[2]))
    return found


def _rows(path: Path, columns: list[str]) -> dict[str, npt.NDArray[Any]]:
    files = sorted((path / "data").rglob("*.parquet"))
    if not files:
        raise UserError(f"{path} must hold parquet files in data/, got none")
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in columns}
    budget = Budget(path)
    for file in files:
        inside(path, file)
        with parsing(file, "a parquet file"), opened(file, budget) as content:
            check_columns(content, file, columns, budget)
            there = content.schema_arrow.names
            for name in columns:
                check_member(file, there, name, where="its columns")
            read = content.read(columns=columns)
            for name in columns:
                parts[name].append(_column(file, name, read.column(name)))
    for name, arrays in parts.items():
        if len({array.shape[1:] for array in arrays}) > 1:
            raise UserError(f"{path}: {name} must have the same size in every file, it has not")
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _column(path: Path, name: str, column: Any) -> npt.NDArray[Any]:
    """A column of numbers (T,) or of lists as long as each other (T, D)."""
    import pyarrow

    steps = len(column)
    shape: tuple[int, ...] = (steps,)
    values = column.combine_chunks()
    if isinstance(values, pyarrow.ChunkedArray):
        values = pyarrow.concat_arrays(values.chunks)
    while (
        pyarrow.types.is_list(values.type)
        or pyarrow.types.is_fixed_size_list(values.type)
        or (pyarrow.types.is_large_list(values.type))
    ):
        inner = values.flatten()
        if values.null_count or not len(values) or len(inner) % len(values):
            raise UserError(f"{path}: {name} must have as many entries in each row, it has not")
        width = len(inner) // len(values)
        lengths = values.value_lengths().to_numpy(zero_copy_only=False)
        if bool((lengths != width).any()):
            raise UserError(f"{path}: {name} must have {width} entries in each row, got {int(lengths.min())}")
        shape, values = (*shape, width), inner
    if values.null_count:
        raise UserError(f"{path}: {name} must have a value in each row, {values.null_count} are missing")
    array: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(shape)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{path}: {name} must hold numbers, got {column.type}")
    return array


def _check_whole(path: Path, info: Any, rows: Any, starts: Any, ends: Any) -> None:
    """A dataset that was copied in part has fewer rows than it says, or frames that do not count up from 0."""
    for name, count in (("total_episodes", len(starts)), ("total_frames", len(rows[_FRAME]))):
        if name in info and int(info[name]) != count:
            raise UserError(f"{path} must hold {int(info[name])} {name[6:]} as {INFO} says, got {count}")
    number = np.arange(len(rows[_FRAME])) - np.repeat(starts, ends - starts)
    wrong = np.flatnonzero(rows[_FRAME] != number)
    if len(wrong):
        episode = int(rows[_EPISODE][wrong[0]])
        raise UserError(
            f"{path}: the frames of an episode must count up from 0, but in episode {episode} "
            f"frame {int(rows[_FRAME][wrong[0]])} stands at {int(number[wrong[0]])}"
        )


def _names(name: str, feature: Any, values: npt.NDArray[Any]) -> list[str]:
    """The names of a feature's entries: a list, or a list under some key; numbered if there are none that fit."""
    given = feature.get("names") if isinstance(feature, dict) else None
    if isinstance(given, dict):
        given = next(iter(given.values()), None)
    size = int(np.prod(values.shape[1:]))
    if isinstance(given, list) and len(given) == size and size > 1:
        return [str(entry) for entry in given]
    return entries(name.removeprefix("observation."), size)
