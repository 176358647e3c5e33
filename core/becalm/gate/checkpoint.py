"""Safetensors files, before the library opens them: what the header may hold, and how large the file may be.

The library itself refuses tensors that lie outside the file, overlap, or leave gaps. Imports no torch.
"""

import os
from pathlib import Path
from typing import BinaryIO

from becalm.errors import UserError
from becalm.gate.limit import most, too_much
from becalm.gate.regular import opened
from becalm.gate.text import parse_table

_HEADER = 2**23
"""Bytes of a header: names, shapes and the configuration; a training's takes some 10 kB."""


def check(path: Path, what: str = "checkpoint") -> None:
    """Checks a file that is to be read as safetensors.

    Raises:
        UserError: If it is missing, no regular file, too short for a header, its header too long, or it is too large.
    """
    with opened(path, what) as file:
        _length(path, what, file)


def metadata(path: Path, what: str = "checkpoint") -> dict[str, str]:
    """What a file's header says beside its tensors; of these no byte is read.

    Raises:
        UserError: As ``check``, and if the header is no JSON or says nothing.
    """
    with opened(path, what) as file:
        header = file.read(_length(path, what, file))
    try:
        said = parse_table(header.decode(), f"the header of {what} {path}").get("__metadata__")
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} cannot be read, its header is damaged") from error
    if not isinstance(said, dict):
        raise UserError(f"{path} is no becalm checkpoint: its header names no config")
    return {str(name): str(value) for name, value in said.items()}


def _length(path: Path, what: str, file: BinaryIO) -> int:
    """Bytes of the header, which begins where the file then stands."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size > most():
        raise too_much(path)
    if size < 8 or length > size - 8:
        raise UserError(f"{what} {path} cannot be read, it is damaged or cut short: it has {size} bytes")
    if length > _HEADER:
        raise UserError(f"{what} {path} has a header of {length} bytes, at most {_HEADER} are read")
    return length
