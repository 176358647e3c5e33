"""HDF5 groups as tables: the arrays in them by name."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from becalm.gate.hdf5 import whole
from becalm.gate.limit import Budget
from becalm_policies.formats.parts import order
from becalm_policies.formats.tables import Leaf, Tables

Read = Callable[[Any, str, Budget], Any]


def tables(budget: Budget, where: str, group: Any, read: Read = whole) -> Tables:
    """The arrays of a group, those of groups in it too, in order of name, as gymnasium flattens a Dict.

    Args:
        budget: What may still be read of the file.
        where: What complaints call the group.
        read: ``whole``, or ``final`` for the last row of each alone.
    """
    leaves = dict(_leaves(group, ""))

    def get(name: str, needed: bool) -> Any:
        return read(group[name], f"{where}/{name}" if where else name, budget)

    shapes = {name: Leaf(tuple(leaf.shape or ()), np.dtype(leaf.dtype)) for name, leaf in leaves.items()}
    return Tables(budget.path, where, shapes, get)


def text(value: Any) -> str:
    """An attribute as text: HDF5 gives str or bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _leaves(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    import h5py

    if isinstance(node, h5py.Dataset):
        yield name, node
        return
    for key in sorted(node, key=order):
        yield from _leaves(node[key], f"{name}/{key}" if name else key)
