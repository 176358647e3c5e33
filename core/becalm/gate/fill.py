"""Chunks that an array's file does not hold: by the specifications of zarr and HDF5 they are full of the fill value.

Nothing in a file tells a chunk that was never stored from one that a copy lost. But values that stand still for a whole
chunk mostly do so for a row more: where no stored row beside the gap holds the fill value alone, the chunk is taken for
lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError

MOST = 2**20
"""Chunks that an array with gaps may have: metadata may name any number of them."""

Place = tuple[int, ...]
"""Of a chunk, counted along each axis."""


def check(where: str, values: npt.NDArray[Any], fill: Any, chunks: Sequence[int], absent: Iterable[Place]) -> None:
    """Checks that chunks which are not stored may be full of the fill value; an array without any chunk may.

    Args:
        where: What complaints call the array.
        values: (N, ...) the array with the fill value in the gaps.
        chunks: Shape of a chunk.
        absent: Places of the chunks that are not stored.

    Raises:
        UserError: If some are stored, and no row of them is full of the fill value.
    """
    gaps: dict[Place, set[int]] = defaultdict(set)
    for place in absent:
        gaps[place[1:]].add(place[0])
    rows = -(-len(values) // chunks[0])
    for column, gone in gaps.items():
        part = values[(slice(None), *map(_span, column, chunks[1:]))].reshape(len(values), -1)
        stored = ~np.isin(np.arange(len(values)) // chunks[0], sorted(gone))
        if len(gone) < rows and not bool((part[stored] == fill).all(1).any()):
            raise lost(where, rows, rows - len(gone), f"no row of the others holds the fill value {fill} alone")


def lost(where: str, count: int, there: int, reason: str) -> UserError:
    """The sentence on an array that lacks chunks."""
    return UserError(f"{where} must have all its {count} chunks, got {there}: the copy is partial, since {reason}")


def _span(place: int, size: int) -> slice:
    return slice(place * size, (place + 1) * size)
