"""The idx format of MNIST: two zero bytes, a type, a rank, the big-endian sizes, then the numbers, gzipped or not."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from becalm.errors import UserError

_UNSIGNED_BYTE = 8


def read(path: Path) -> np.ndarray:
    """The array in an idx file of unsigned bytes.

    Raises:
        UserError: If the file is missing, is no idx file, or is cut short or too long.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read, it is damaged or cut short: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0":
        raise UserError(f"{path} is no idx file: it must begin with two zero bytes")
    kind, rank = content[2], content[3]
    if kind != _UNSIGNED_BYTE:
        raise UserError(f"{path} holds idx type {kind:#04x}, only unsigned bytes (0x08) are read")
    start = 4 + 4 * rank
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4")) if len(content) >= start else None
    if shape is None or len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise UserError(f"{path} is damaged or cut short: its header does not fit its {len(content)} bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def write(path: Path, array: np.ndarray) -> None:
    """Writes unsigned bytes as a gzipped idx file."""
    if array.dtype != np.uint8:
        raise UserError(f"idx files hold unsigned bytes, got {array.dtype}")
    header = bytes([0, 0, _UNSIGNED_BYTE, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))
