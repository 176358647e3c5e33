"""What files hold, in a word: a stamp changes when they are written, a digest when they hold something else."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def stamp(path: Path) -> str:
    """A word that changes with the name, size or time of change of a file, or of any file in a folder.

    What is not there has a stamp, too: whoever reads it says what is wrong.
    """
    content = hashlib.sha256()
    files = [path, *(Path(folder, name) for folder, _, names in os.walk(path) for name in names)]
    for file in sorted(files):
        try:
            status = file.stat()
        except OSError:
            continue
        content.update(os.fsencode(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0"))
    return content.hexdigest()


def digest(*parts: bytes | npt.NDArray[Any]) -> str:
    """SHA-256 in hex of bytes and arrays, with their types and shapes, in their order."""
    content = hashlib.sha256()
    for part in parts:
        array = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else np.ascontiguousarray(part)
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(array.data)
    return content.hexdigest()
