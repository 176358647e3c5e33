"""The pictures of a camera, one a step: uint8 (N, H, W, 3), left where they lie until they are looked at.

Beside a store ``NAME.npz`` they are the file ``NAME.CAMERA.npy``, uncompressed, of which only the pages that are asked
for come into memory. Whatever has a shape and gives rows by their numbers will do for a source: an array, a dataset of
HDF5, a folder of encoded pictures.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm.files.content import digest
from becalm.gate import regular

Pixels = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]

_AT_ONCE = 256
_LOOKED_AT = 64


class Source(Protocol):
    """Where pictures lie."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, H, W, 3)."""

    def __getitem__(self, rows: Any) -> Any:
        """Those pictures, for ascending row numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Pictures of one camera, by number of step.

    Attributes:
        sources: Where they lie, all of one size.
        source: (N,) which of the sources each is in. row: (N,) where in it.

    Raises:
        UserError: If a source is no series of pictures, or they differ in size.
    """

    sources: tuple[Source, ...]
    source: Indices
    row: Indices

    def __post_init__(self) -> None:
        for each in self.sources:
            shape = tuple(each.shape)
            if len(shape) != 4 or shape[3] != 3 or min(shape[1:]) < 1:
                raise UserError(f"pictures must be an array (steps, height, width, 3), got shape {shape}")
            if shape[1:] != tuple(self.sources[0].shape[1:]):
                sizes = f"{shape[1:3]} and {tuple(self.sources[0].shape[1:3])}"
                raise UserError(f"the pictures of a camera must be of one height and width, got {sizes}")

    @classmethod
    def of(cls, source: Source) -> "Frames":
        """All pictures of one source, in its order."""
        count = int(source.shape[0])
        return cls((source,), np.zeros(count, np.int64), np.arange(count))

    @classmethod
    def join(cls, parts: Sequence["Frames"]) -> "Frames":
        """One after another."""
        firsts = np.cumsum([0, *(len(part.sources) for part in parts[:-1])])
        return cls(
            tuple(source for part in parts for source in part.sources),
            np.concatenate([part.source + first for part, first in zip(parts, firsts, strict=True)]),
            np.concatenate([part.row for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.row)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        _, height, width, _ = self.sources[0].shape
        return int(height), int(width)

    def take(self, steps: Indices) -> "Frames":
        """The pictures of those steps; none is looked at."""
        return Frames(self.sources, self.source[steps], self.row[steps])

    def __getitem__(self, steps: Indices) -> Pixels:
        """The pictures of steps (...), uint8 (..., H, W, 3)."""
        flat = np.asarray(steps).reshape(-1)
        source, row = self.source[flat], self.row[flat]
        pixels = np.empty((len(flat), *self.size, 3), np.uint8)
        for number in np.unique(source):
            where = np.flatnonzero(source == number)
            # Ascending and each once, which files are read fastest by, and HDF5 insists on.
            rows, back = np.unique(row[where], return_inverse=True)
            pixels[where] = np.asarray(self.sources[number][rows], np.uint8)[back]
        return pixels.reshape(*np.shape(steps), *self.size, 3)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the number of pictures, their size, and some of them, evenly spread."""
        steps = np.unique(np.linspace(0, len(self) - 1, _LOOKED_AT).astype(np.int64))
        return digest(np.array([len(self), *self.size]), self[steps])

    def write(self, path: Path) -> None:
        """Writes them as one .npy, some at a time."""
        file = np.lib.format.open_memmap(path, "w+", np.uint8, (len(self), *self.size, 3))
        for first in range(0, len(self), _AT_ONCE):
            steps = np.arange(first, min(first + _AT_ONCE, len(self)))
            file[steps] = self[steps]
        file.flush()

    @classmethod
    def read(cls, path: Path) -> "Frames":
        """Maps a .npy; its pictures stay in the file.

        Raises:
            UserError: If it is missing, no regular file, cut short, or holds no pictures.
        """
        with regular.opened(path, "file of pictures") as file:
            try:
                shape, transposed, dtype = _header(file)
            except ValueError as error:
                raise UserError(f"{path} is damaged or no .npy of pictures: {error}") from error
            start, size = file.tell(), os.fstat(file.fileno()).st_size
        if dtype != np.uint8 or transposed or len(shape) != 4 or min(shape) < 1 or shape[3] != 3:
            raise UserError(f"{path} must hold uint8 pictures (steps, height, width, 3), got {dtype} {shape}")
        # In whole numbers of Python's, which do not overflow.
        if size - start != shape[0] * shape[1] * shape[2] * shape[3]:
            raise UserError(f"{path} must hold {shape[0]} pictures of {shape[1]} x {shape[2]}, it is cut short")
        return cls.of(np.memmap(path, np.uint8, "r", start, shape))


def beside(path: Path, camera: str) -> Path:
    """The file of a camera's pictures beside the store at a path."""
    return path.with_name(f"{path.stem}.{camera}.npy")


def writers(path: Path, cameras: Mapping[str, Frames]) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    """Where each camera's pictures go beside a store, and what writes them."""
    for name, frames in cameras.items():
        yield beside(path, name), frames.write


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the format")
