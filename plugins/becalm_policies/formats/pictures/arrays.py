"""Arrays of pictures.

zarr    ``data/img`` and the like, (N, H, W, 3); floats are 0 to 255, or 0 to 1 if none is greater
HDF5    Minari's, robomimic's, D4RL's and ALOHA's: uint8 (T, H, W, 3) of each episode
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.gate.hdf5 import opened
from becalm.gate.limit import Budget
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.formats import hdf5, zarr
from becalm_policies.formats.parts import numbered
from becalm_policies.formats.tables import Leaf, Tables

Part = tuple[str, Pixels]
"""A camera, and its next pictures, (n, H, W, 3)."""
Wanted = Callable[[str], bool]
"""Whether the pictures of that name are asked for."""


def from_zarr(path: Path, wanted: Wanted) -> Iterator[Part]:
    """The pictures of a replay buffer, an array at a time."""
    with zarr.tables(path) as tables:
        for name, leaf in tables.leaves.items():
            floats = leaf.dtype.kind == "f" and len(leaf.shape) == 4 and leaf.shape[3] == 3
            if (floats or _is_picture(leaf)) and wanted(name):
                yield word(name), _bytes(tables.read(name, True))


def from_hdf5(path: Path, wanted: Wanted) -> Iterator[Part]:
    """The pictures of a file, an episode at a time."""
    with opened(path) as file:
        data = file.get("data", file)
        stem = "demo_" if "data" in file else "episode_"
        groups = [data[name] for _, name in numbered(data, stem)] or [file]
        for group in groups:
            # An array at a time is in memory, and is all that the bound is for.
            tables = hdf5.tables(Budget(path), group.name.strip("/"), group)
            steps = _steps(tables)
            for name, leaf in tables.leaves.items():
                if _is_picture(leaf) and name.startswith(("observations", "obs/")) and wanted(name):
                    yield word(name), hdf5.tables(Budget(path), "", group).read(name, True)[:steps]


def _steps(tables: Tables) -> int | None:
    """How many actions there are: a file may hold one picture more."""
    leaf = next((tables.leaves[name] for name in ("actions", "action") if name in tables.leaves), None)
    return leaf.shape[0] if leaf is not None else None


def _is_picture(leaf: Leaf) -> bool:
    return leaf.dtype == np.uint8 and len(leaf.shape) == 4 and leaf.shape[3] == 3


def word(name: str) -> str:
    """The last word of a name."""
    return name.replace("/", ".").rpartition(".")[2]


def _bytes(values: npt.NDArray[Any]) -> Pixels:
    """Pictures as uint8."""
    if values.dtype == np.uint8:
        return values
    scale = 255.0 if float(values.max(initial=0)) <= 1 else 1.0
    return np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
