"""Diffusion Policy's replay buffers: a zarr with ``data/*``, a row per step, and ``meta/episode_ends``."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import pusht
from becalm_policies.formats.parts import entries, matrix, member, parsing, series, store

_WHAT = "a zarr replay buffer"
_OBSERVATIONS = ("state", "obs", "keypoint")
_LENGTH = slice(12, 16)  # Where in the header of a blosc chunk its length stands.
_MARKS = (".zgroup", "zarr.json")


def read(path: Path) -> Episodes:
    """Reads a replay buffer; the observation is ``state``, else ``obs``, else ``keypoint``.

    Raises:
        UserError: If it is damaged or holds something else.
    """
    arrays = load(path, ("action", "reward"))
    observed = next(name for name in _OBSERVATIONS if name in arrays)
    observations = matrix(path, f"data/{observed}", arrays[observed])
    actions = matrix(path, "data/action", member(path, arrays, "action", where="data"))
    for name in ("action", "reward"):
        if name in arrays and len(arrays[name]) != len(observations):
            raise UserError(
                f"{path}: data/{name} must have {len(observations)} steps as data/{observed}, got {len(arrays[name])}"
            )
    rewards = series(path, "data/reward", arrays["reward"]) if "reward" in arrays else None
    environment, spec = "", {"format": "zarr", "observation": entries(observed, observations.shape[1])}
    if observed == "state" and "keypoint" in arrays:
        environment, more = pusht.known(observations.shape[1], actions.shape[1])
        spec = {**spec, **more, "format": "zarr"}
    return store(path, observations, actions, arrays["episode_ends"], rewards, environment, spec)


def load(path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """The observations that are there, ``episode_ends``, and of the other names those that are there.

    Raises:
        UserError: If it is damaged, cut short, or holds no observations.
    """
    with parsing(path, _WHAT), _opened(path) as group, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of what it finds beside the arrays.
        data = member(path, group, "data")
        present = [name for name in (*_OBSERVATIONS, *names) if name in data]
        if not set(present) & set(_OBSERVATIONS):
            there = ", ".join(sorted(data)) or "nothing"
            raise UserError(f"{path}: data must hold one of {', '.join(_OBSERVATIONS)}, got {there}")
        lost = [name for name in (*_OBSERVATIONS, *names) if name not in present and _is_folder(path, name)]
        if lost:
            raise UserError(f"{path}: data/{lost[0]} must have its .zarray, it has not: the copy is partial")
        arrays = {name: _whole(path, f"data/{name}", data[name]) for name in present}
        meta = member(path, group, "meta")
        arrays["episode_ends"] = _whole(path, "meta/episode_ends", member(path, meta, "episode_ends", where="meta"))
    return arrays


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import zarr

    if path.is_dir():
        yield zarr.open_group(str(_root(path)), mode="r")
        return
    with zipfile.ZipFile(path) as archive:
        inside = _inside(path, archive.namelist())
    opened = zarr.storage.ZipStore(str(path), mode="r")
    try:
        yield zarr.open_group(opened, path=inside, mode="r")
    finally:
        opened.close()


def _is_folder(path: Path, name: str) -> bool:
    return path.is_dir() and (_root(path) / "data" / name).is_dir()


def _root(path: Path) -> Path:
    """The folder itself, or the only .zarr in it."""
    if any((path / mark).exists() for mark in _MARKS):
        return path
    inner = [folder for folder in sorted(path.glob("*.zarr")) if folder.is_dir()]
    if len(inner) != 1:
        raise UserError(f"{path} must be a zarr or hold one folder *.zarr, got {len(inner)}")
    return inner[0]


def _inside(path: Path, names: list[str]) -> str:
    """Where in an archive the replay buffer lies: around the folder ``meta`` with ``episode_ends``."""
    folders = {
        str(PurePosixPath(name).parents[2])
        for name in names
        if PurePosixPath(name).parts[-3:-1] == ("meta", "episode_ends") and not name.startswith("__MACOSX")
    }
    if len(folders) != 1:
        raise UserError(f"{path} must hold one replay buffer with meta/episode_ends, got {len(folders)}")
    folder = folders.pop()
    return "" if folder == "." else folder


def _whole(path: Path, name: str, array: Any) -> npt.NDArray[Any]:
    """The array, if all its chunks are there: zarr fills in for those that are not.

    Raises:
        UserError: If a chunk is missing, or it is a group.
    """
    if not hasattr(array, "nchunks_initialized"):
        raise UserError(f"{path}: {name} must be an array, got a group")
    _check_blosc(path, name)
    if array.nchunks_initialized < array.nchunks:
        there = f"got {array.nchunks_initialized}: the copy is partial"
        raise UserError(f"{path}: {name} must have all its {array.nchunks} chunks, {there}")
    return np.asarray(array[...])


def _check_blosc(path: Path, name: str) -> None:
    """Checks that the chunks of an array are as long as their headers say: blosc reads beyond the end of a short one.

    Raises:
        UserError: If one is not.
    """
    files = _files(path, name)
    described = b"".join(content for file, content in files.items() if file in (".zarray", "zarr.json"))
    if b'"blosc"' not in described or b'"sharding_indexed"' in described:
        return
    for file, content in files.items():
        if file.startswith(".z") or file == "zarr.json":
            continue
        length = int.from_bytes(content[_LENGTH], "little")
        if length != len(content):
            raise UserError(f"{path}: chunk {name}/{file} must have {length} bytes, got {len(content)}")


def _files(path: Path, name: str) -> dict[str, bytes]:
    """The files of an array by their names in its folder."""
    if path.is_dir():
        folder = _root(path) / name
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        start = f"{_inside(path, names)}/{name}/".removeprefix("/")
        inner = [file for file in names if file.startswith(start) and not file.endswith("/")]
        return {file.removeprefix(start): archive.read(file) for file in inner}
