"""HDF5 groups as matrices: one that is a vector or image, or a folder of them by name."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.gate.hdf5 import whole
from becalm.gate.limit import Budget
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.formats.parts import entries, matrix, member, order, series

Read = Callable[[Any, str, Budget], Any]


def leaves(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The arrays at or below a node with their names, groups in sorted order of key, as gymnasium flattens a Dict."""
    import h5py

    if isinstance(node, h5py.Dataset):
        yield name, node
        return
    for key in sorted(node, key=order):
        yield from leaves(node[key], f"{name}/{key}" if name else key)


def flatten(budget: Budget, where: str, node: Any, read: Read = whole) -> tuple[Array, list[str], list[str]]:
    """The vectors of a node side by side: (T, D), the names of the entries, and what was left out: images, texts.

    Args:
        budget: What may still be read of the file.
        read: ``whole``, or ``final`` for the last row of each alone.

    Raises:
        UserError: If there is no vector, lengths differ, or they are more than may be read.
    """
    path = budget.path
    matrices: list[Array] = []
    names: list[str] = []
    left_out: list[str] = []
    for name, leaf in leaves(node, ""):
        if leaf.dtype.kind not in "fiub" or (leaf.dtype == np.uint8 and leaf.ndim >= 3):
            left_out.append(name)
            continue
        full = f"{where}/{name}".rstrip("/")
        values = matrix(path, full, read(leaf, full, budget))
        if matrices and len(values) != len(matrices[0]):
            raise UserError(f"{path}: {full} must have {len(matrices[0])} steps as its neighbours, got {len(values)}")
        matrices.append(values)
        names += entries(name or "observation", values.shape[1])
    if not matrices:
        said = f"only {', '.join(left_out)}" if left_out else "nothing"
        raise UserError(f"{path}: {where} must hold vectors of numbers, got {said}")
    return np.concatenate(matrices, axis=1), names, left_out


def array(budget: Budget, group: Any, name: str, where: str) -> Any:
    """The array ``group[name]``.

    Raises:
        UserError: If it is missing or a group, or more than may be read.
    """
    import h5py

    path = budget.path
    node = member(path, group, name, where=where)
    if not isinstance(node, h5py.Dataset):
        raise UserError(f"{path}: {where}/{name} must be an array, got a group of {', '.join(node) or 'nothing'}")
    return whole(node, f"{where}/{name}", budget)


def per_step(budget: Budget, group: Any, where: str, name: str, steps: int) -> Array | None:
    """The numbers ``group[name]``, one for each step, where they are there.

    Raises:
        UserError: If they are as many for another number of steps.
    """
    if name not in group:
        return None
    values = series(budget.path, f"{where}/{name}", array(budget, group, name, where))
    if len(values) != steps:
        raise UserError(f"{budget.path}: {where}/{name} must have one number per action, got {len(values)} and {steps}")
    return values


def text(value: Any) -> str:
    """An attribute as text: HDF5 gives str or bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
