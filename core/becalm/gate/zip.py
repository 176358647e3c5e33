"""Zip archives and npz: members by name, their declared sizes against the bound first. Imports no torch.

A member unpacks to no more than its entry declares, since ``zipfile`` stops there.
"""

import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, first_line
from becalm.gate.limit import Budget
from becalm.gate.regular import opened

_UNICODE = 0x10FFFF
_WORDS = {"f": "numbers", "i": "whole numbers", "b": "truth values", "U": "text"}
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@contextmanager
def archive(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    """An archive, opened; what goes wrong in the block is a sentence.

    Args:
        what: What it should be, such as ``a store of demonstrations``.

    Raises:
        UserError: If it is no regular file, no archive, or damaged.
    """
    try:
        with opened(path) as file, zipfile.ZipFile(file) as held:
            yield held
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is") from error
    except Exception as error:  # zlib, struct and numpy's reader of headers have errors of their own.
        raise UserError(f"{path} is damaged or not {what}: {first_line(error)[:200]}") from error


def arrays(
    path: Path, what: str, kinds: Mapping[str, str], needed: Collection[str] = ()
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an npz that are asked for by name, of those that it has.

    Args:
        what: What it should be.
        kinds: Names, and letters of the kinds of dtype that each may have, as numpy's ``dtype.kind``.
        needed: Names that it must have.

    Raises:
        UserError: If it is no regular file or no npz, is damaged, lacks one that is needed, holds one of another kind,
            or they are more than may be read.
    """
    budget = Budget(path)
    with archive(path, what) as held:
        there = set(held.namelist())
        missing = [name for name in needed if f"{name}.npy" not in there]
        if missing:
            listed = ", ".join(sorted(name.removesuffix(".npy") for name in there)[:12]) or "nothing"
            raise UserError(f"{path}: {what} must hold {missing[0]!r}, got {listed}")
        names = [name for name in kinds if f"{name}.npy" in there]
        return {name: _array(held, path, name, kinds[name], budget) for name in names}


def headers(path: Path, what: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and dtype of each array of an npz, as its header declares them.

    Args:
        what: What it should be.

    Raises:
        UserError: If it is no regular file or no npz, or is damaged.
    """
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    with archive(path, what) as held:
        for info in held.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename:
                continue
            with held.open(info) as file:
                shape, _, dtype = _header(file, path, name)
            found[name] = (shape, dtype)
    return found


def _word(kinds: str) -> str:
    """What arrays of some kinds, letters as numpy has them, hold: the widest of them says it."""
    return next(word for letter, word in _WORDS.items() if letter in kinds)


def _array(held: zipfile.ZipFile, path: Path, name: str, kinds: str, budget: Budget) -> npt.NDArray[Any]:
    info = held.getinfo(f"{name}.npy")
    budget.take(info.file_size, name)
    with held.open(info) as file:
        shape, transposed, dtype = _header(file, path, name)
        if dtype.kind not in kinds:
            raise UserError(f"{path}: {name} must hold {_word(kinds)}, got {dtype}")
        count = 1
        for size in shape:
            count *= size
        if min(shape, default=0) < 0 or count * dtype.itemsize > info.file_size:
            raise UserError(f"{path}: {name} declares {count * dtype.itemsize} bytes, it holds {info.file_size}")
        content = file.read()
    if len(content) != count * dtype.itemsize:
        raise UserError(f"{path}: {name} must hold {count * dtype.itemsize} bytes, got {len(content)}")
    if dtype.kind == "U" and count and int(np.frombuffer(content, f"{dtype.byteorder}u4").max(initial=0)) > _UNICODE:
        raise UserError(f"{path}: {name} must hold text, it holds numbers that are no letters")
    flat = np.frombuffer(content, dtype) if dtype.itemsize else np.zeros(count, dtype)
    return flat.reshape(shape[::-1]).T if transposed else flat.reshape(shape)


def _header(file: IO[bytes], path: Path, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is transposed, and dtype."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise UserError(f"{path}: {name} is of version {version} of the npy format, 1.0 and 2.0 are read")
    shape, transposed, dtype = _HEADERS[version](file)
    return shape, transposed, dtype
