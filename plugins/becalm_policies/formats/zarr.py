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
from becalm_policies.formats import flat
from becalm_policies.formats.parts import member, parsing
from becalm_policies.formats.tables import USUAL, Leaf, Selection, Tables

_WHAT = "a zarr replay buffer"
_ENDS = "episode_ends"
_MARKS = (".zgroup", "zarr.json")


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a replay buffer; the observation is ``state``, else ``obs``, else ``keypoint``, else all vectors in it.

    Raises:
        UserError: If it is damaged or holds something else, or what is selected is not there.
    """
    with tables(path) as there:
        return flat.read(there, selection, "zarr")


@contextmanager
def tables(path: Path) -> Iterator[Tables]:
    """The arrays of ``data`` by name, and ``episode_ends`` of ``meta``.

    Raises:
        UserError: If it is damaged, cut short, or encoded by other codecs than those of ``becalm.gate.zarr``; in the
            block, if an array is more than may be read.
    """
    with parsing(path, _WHAT), _opened(path) as (group, tree, root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of what it finds beside the arrays.
        budget = Budget(path)
        data = dict(_arrays(member(path, group, "data")))
        ends = member(path, member(path, group, "meta"), _ENDS, where="meta")
        files = {name.removeprefix(f"{root}data/") for name in tree.sizes if name.startswith(f"{root}data/")}
        folders = {name.partition("/")[0] for name in files if "/" in name}
        if lost := sorted(folders - {name.partition("/")[0] for name in data}):
            raise UserError(f"{path}: data/{lost[0]} must have its .zarray, it has not: the copy is partial")

        def get(name: str, needed: bool) -> npt.NDArray[Any]:
            if name == _ENDS:
                return _whole(tree, root, f"meta/{_ENDS}", ends, budget, needed=True)
            return _whole(tree, root, f"data/{name}", data[name], budget, needed=needed)

        nodes = {**data, _ENDS: ends}
        leaves = {name: Leaf(tuple(node.shape), np.dtype(node.dtype)) for name, node in nodes.items()}
        yield Tables(path, "data", leaves, get)


def _arrays(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays of a group and of groups in it, by name."""
    import zarr

    for name in sorted(group):
        node = group[name]
        if isinstance(node, zarr.Array):
            yield f"{above}{name}", node
        else:
            yield from _arrays(node, f"{above}{name}/")


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


def _whole(tree: Tree, root: str, name: str, node: Any, budget: Budget, *, needed: bool) -> npt.NDArray[Any]:
    """The array; chunks that are not stored are full of its fill value, as the specification has it.

    Args:
        needed: Whether an array without any chunk is refused: nothing can be learnt of one value.

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
    if needed and absent and len(absent) == described.count:
        raise fill.lost(f"{tree.path}: {name}", described.count, 0, "it would be the fill value throughout")
    values = np.asarray(node[...])
    if absent:
        fill.check(f"{tree.path}: {name}", values, node.fill_value, described.chunks, absent)
    return values
