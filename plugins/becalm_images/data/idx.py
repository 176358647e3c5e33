"""The idx format of MNIST: two zero bytes, a type, a rank, the big-endian sizes, then the numbers, gzipped or not."""

import gzip
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm.gate.limit import Budget
from becalm.gate.regular import opened
from becalm.gate.unpack import pieces

_UNSIGNED_BYTE = 8
_AXES = 8


def read(path: Path) -> np.ndarray:
    """The array in an idx file of unsigned bytes.

    Raises:
        UserError: If the file is missing, is no idx file, is cut short or too long, or declares more than may be read.
    """
    with opened(path) as file:
        try:
            return _parse(path, pieces(file))
        except (OSError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{path} cannot be read, it is damaged or cut short: {error}") from error


def _parse(path: Path, content: Iterator[bytes]) -> np.ndarray:
    """The array, unpacked no further than its header says."""
    held = bytearray(next(content, b""))
    if len(held) < 4 or held[:2] != b"\0\0":
        raise UserError(f"{path} is no idx file: it must begin with two zero bytes")
    kind, rank = held[2], held[3]
    if kind != _UNSIGNED_BYTE:
        raise UserError(f"{path} holds idx type {kind:#04x}, only unsigned bytes (0x08) are read")
    if not 1 <= rank <= _AXES:
        raise UserError(f"{path} holds an array of {rank} axes, 1 to {_AXES} are read")
    start = 4 + 4 * rank
    if len(held) < start:
        raise UserError(f"{path} is damaged or cut short: its header has {len(held)} bytes, of {rank} axes {start}")
    shape = struct.unpack(f">{rank}I", held[4:start])
    whole = start + math.prod(shape)
    Budget(path).take(whole)
    for piece in content:
        held += piece
        if len(held) > whole:
            break
    if len(held) != whole:
        there = f"more than {whole}" if len(held) > whole else str(len(held))
        raise UserError(f"{path} is damaged or cut short: by its header it has {whole} bytes, it holds {there}")
    return np.frombuffer(held, np.uint8, offset=start).reshape(shape)


def write(path: Path, array: np.ndarray) -> None:
    """Writes unsigned bytes as a gzipped idx file."""
    if array.dtype != np.uint8:
        raise UserError(f"idx files hold unsigned bytes, got {array.dtype}")
    header = bytes([0, 0, _UNSIGNED_BYTE, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))
