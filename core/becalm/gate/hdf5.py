"""HDF5 files: what HDF5 lets lie elsewhere is refused, and each object stands in the tree once. h5py is not imported
before a file is asked for.

An array may be stored in any other file (external storage, virtual sources), a link may lead into one, and hard links
may make a tree of 2^25 leaves of a few objects. Filters are loaded from shared libraries, so they go by a list.
"""

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.gate import fill, trial
from becalm.gate.limit import Budget, most
from becalm.gate.regular import check as check_file

_FILTERS = {
    1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf", 32001: "blosc",
    32004: "lz4", 32008: "bitshuffle", 32015: "zstd", 32026: "blosc2",
}  # fmt: skip
_CHUNK = 2**26
"""Bytes that a chunk may have although its array has fewer."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An HDF5 file to read, as h5py has it, in which nothing lies elsewhere.

    Raises:
        UserError: If it is no regular file, too large, HDF5's library breaks down on it or comes to no end, or
            something in it lies elsewhere, stands there twice, or is packed by another filter than HDF5's own and the
            usual ones.
        ImportError: If h5py is not installed.
    """
    import h5py

    check_file(path, most=most())
    trial.check(path, tuple(_FILTERS))
    with h5py.File(path, "r") as file:
        _check(file, path)
        yield file


def whole(leaf: Any, name: str, budget: Budget) -> Any:
    """An array of numbers, if all of it is in the file: HDF5 fills in for what is not, however much that is.

    Args:
        leaf: An ``h5py.Dataset`` of a file of ``opened``.
        name: What complaints call it.
        budget: What its numbers are taken from, as float64.

    Raises:
        UserError: If it is not all there, and ``becalm.gate.fill`` does not take what is not for the fill value; if it
            holds no numbers, or is more than may be read.
    """
    budget.take(8 * math.prod(leaf.shape or ()), name)
    absent = _absent(leaf, name, budget.path)
    values = leaf[()]
    if absent:
        fill.check(f"{budget.path}: {name}", values, leaf.fillvalue, leaf.chunks, absent)
    return values


def final(leaf: Any, name: str, budget: Budget) -> Any:
    """The last row of an array of numbers (N, ...), as (1, ...), or (0, ...) where N is 0; as ``whole`` otherwise."""
    budget.take(8 * math.prod((leaf.shape or ())[1:]), name)
    _absent(leaf, name, budget.path)
    return leaf[-1:]


def _absent(leaf: Any, name: str, path: Path) -> list[fill.Place]:
    """The chunks of an array of numbers that are not in the file; of an array that has any, some are."""
    if leaf.dtype.kind not in "fiub":  # Texts of any length lie elsewhere in the file, one perhaps many times.
        raise UserError(f"{path}: {name} must hold numbers, got {leaf.dtype}")
    if leaf.chunks is None:
        there, expected = leaf.id.get_storage_size(), leaf.nbytes
        if there < expected:
            raise UserError(f"{path}: {name} must have all its {expected} bytes, got {there}")
        return []
    counts = [-(-size // chunk) for size, chunk in zip(leaf.shape, leaf.chunks, strict=True)]
    there, expected = leaf.id.get_num_chunks(), math.prod(counts)
    chunk = math.prod(leaf.chunks) * leaf.dtype.itemsize
    if chunk > max(_CHUNK, 4 * leaf.nbytes):
        raise UserError(f"{path}: {name} has chunks of {chunk} bytes, but only {leaf.nbytes} bytes in all")
    if there == expected:
        return []
    if there == 0 or expected > fill.MOST:
        raise fill.lost(f"{path}: {name}", expected, there, "HDF5 stores those that are written")
    offsets = (leaf.id.get_chunk_info(number).chunk_offset for number in range(there))
    stored = {tuple(at // size for at, size in zip(offset, leaf.chunks, strict=True)) for offset in offsets}
    return [place for place in itertools.product(*map(range, counts)) if place not in stored]


def _check(file: Any, path: Path) -> None:
    import h5py

    root = file["/"]
    seen = {h5py.h5o.get_info(root.id).addr}
    left = [("", root)]
    while left:
        above, group = left.pop()
        for key in group:
            name = f"{above}/{key}"
            kind = type(group.get(key, getlink=True))
            if kind is not h5py.HardLink:
                raise UserError(f"{path}: {name} is a link: only what stands in the file itself is read")
            address = h5py.h5o.get_info(group.id, key.encode(errors="surrogateescape")).addr
            if address in seen:
                raise UserError(f"{path}: {name} stands in the file twice, an object must stand there once")
            seen.add(address)
            node = group[key]
            if isinstance(node, h5py.Group):
                left.append((name, node))
            elif isinstance(node, h5py.Dataset):
                _check_storage(node, name, path)


def _check_storage(node: Any, name: str, path: Path) -> None:
    import h5py

    plan = node.id.get_create_plist()
    if plan.get_external_count():
        raise UserError(f"{path}: {name} is stored in another file: only what stands in the file itself is read")
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise UserError(f"{path}: {name} is put together from other arrays (virtual): write it as an array of its own")
    for number in range(plan.get_nfilters()):
        code = plan.get_filter(number)[0]
        if code not in _FILTERS:
            known = ", ".join(_FILTERS.values())
            raise UserError(f"{path}: {name} is packed by filter {code} of HDF5: known are {known}")
