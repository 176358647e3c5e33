"""Diffusion Policy's replay buffers: a zarr with ``data/*``, a row per step, and ``meta/episode_ends``."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm.gate import chunk, fill
from becalm.gate.limit import Budget
from becalm.gate.tree import Tree
from becalm.gate.tree import tree as files
from becalm.gate.zarr import array, check
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import pusht
from becalm_policies.formats.parts import entries, matrix, member, parsing, series, store

_WHAT = "a zarr replay buffer"
_OBSERVATIONS = ("state", "obs", "keypoint")
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
        UserError: If it is damaged, cut short, holds no observations, is encoded by other codecs than those of
            ``becalm.gate.zarr``, or is more than may be read.
    """
    with parsing(path, _WHAT), _opened(path) as (group, tree, root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of what it finds beside the arrays.
        budget = Budget(path)
        data = member(path, group, "data")
        present = [name for name in (*_OBSERVATIONS, *names) if name in data]
        if not set(present) & set(_OBSERVATIONS):
            there = ", ".join(sorted(data)) or "nothing"
            raise UserError(f"{path}: data must hold one of {', '.join(_OBSERVATIONS)}, got {there}")
        folders = {name.removeprefix(f"{root}data/").partition("/")[0] for name in tree.sizes}
        lost = [name for name in (*_OBSERVATIONS, *names) if name not in present and name in folders]
        if lost:
            raise UserError(f"{path}: data/{lost[0]} must have its .zarray, it has not: the copy is partial")
        meta = member(path, group, "meta")
        ends = member(path, meta, "episode_ends", where="meta")
        nodes = {name: (f"data/{name}", data[name]) for name in present} | {"episode_ends": ("meta/episode_ends", ends)}
        return {name: _whole(tree, root, place, node, budget) for name, (place, node) in nodes.items()}


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Tree, str]]:
    """The buffer's group, the files of the folder or archive, and where in these it lies, empty or with a slash."""
    import zarr

    with files(path, _WHAT) as tree:
        check(tree)
        root = _root(path, tree) if path.is_dir() else _inside(path, list(tree.sizes))
        # By the metadata of each array, which were looked at, not by their copies.
        if path.is_dir():
            yield zarr.open_group(str(path / root), mode="r", use_consolidated=False), tree, root and f"{root}/"
            return
        opened = zarr.storage.ZipStore(str(path), mode="r")
        try:
            yield zarr.open_group(opened, path=root, mode="r", use_consolidated=False), tree, root and f"{root}/"
        finally:
            opened.close()


def _root(path: Path, tree: Tree) -> str:
    """The folder itself, empty, or the only .zarr in it."""
    if any(mark in tree.sizes for mark in _MARKS):
        return ""
    inner = {first for name in tree.sizes if (first := name.partition("/")[0]).endswith(".zarr")}
    if len(inner) != 1:
        raise UserError(f"{path} must be a zarr or hold one folder *.zarr, got {len(inner)}")
    return inner.pop()


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


def _whole(tree: Tree, root: str, name: str, node: Any, budget: Budget) -> npt.NDArray[Any]:
    """The array; chunks that are not stored are full of its fill value, as the specification has it.

    Raises:
        UserError: If chunks are missing that ``becalm.gate.fill`` does not take for such, one is of another size, it is
            a group, or more than may be read.
    """
    import zarr

    if not isinstance(node, zarr.Array):
        raise UserError(f"{tree.path}: {name} must be an array, got a group")
    # Before the library counts its chunks, of which metadata may name any number.
    described = array(tree, f"{root}{name}", budget)
    absent = chunk.check(tree, f"{root}{name}", described)
    values = np.asarray(node[...])
    if absent:
        fill.check(f"{tree.path}: {name}", values, node.fill_value, described.chunks, absent)
    return values
