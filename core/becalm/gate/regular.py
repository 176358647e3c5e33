"""Regular files only: a pipe or a device would be waited for, or never end. Asked of the opened handle.

Imports no torch.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from becalm.errors import UserError
from becalm.gate.limit import too_much

_READ = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # The last is Windows's, the others are not.
    _READ |= getattr(os, _flag, 0)
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def opened(path: Path, what: str = "file") -> BinaryIO:
    """A file to read from its beginning.

    Args:
        what: What complaints call it.

    Raises:
        UserError: If it is missing, no regular file, or cannot be read.
    """
    try:
        # Without waiting: opening a pipe waits for somebody to write into it.
        handle = os.open(path, _READ)
    except (OSError, ValueError) as error:  # A name with a null byte is a ValueError.
        raise _unreadable(path, what, error) from error
    try:
        _check_kind(path, what, os.fstat(handle).st_mode)
    except UserError:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def check(path: Path, what: str = "file", *, most: int | None = None) -> int:
    """The size of a file in bytes, before a library opens it by its name.

    Args:
        most: How large it may be; default: whatever.

    Raises:
        UserError: If it is missing, no regular file, cannot be read, or is larger.
    """
    with opened(path, what) as file:
        size = os.fstat(file.fileno()).st_size
    if most is not None and size > most:
        raise too_much(path)
    return size


def content(path: Path, what: str = "file", *, most: int) -> bytes:
    """The bytes of a file.

    Args:
        most: How many there may be.

    Raises:
        UserError: If it is missing, no regular file, cannot be read, or holds more.
    """
    with opened(path, what) as file:
        # What grows while it is read is not followed.
        if os.fstat(file.fileno()).st_size > most or len(held := _read(path, what, file, most + 1)) > most:
            raise UserError(f"{what} {path} must hold at most {most} bytes")
        return held


def is_folder(path: Path) -> bool:
    """Whether there is a folder; of a name that no file can have, too."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def inside(folder: Path, path: Path) -> None:
    """Refuses a link that leads out of the folder it stands in, but for the store of the hub's own cache.

    Raises:
        UserError: If it does.
    """
    if not path.is_symlink() and path.parent == folder:
        return
    root, target = folder.resolve(), path.resolve()
    # huggingface_hub keeps models--owner--name/blobs/DIGEST, and links to them from .../snapshots/REVISION.
    homes = [root] + [above.parent / "blobs" for above in root.parents if above.name == "snapshots"]
    if not any(target.is_relative_to(home) for home in homes):
        raise UserError(f"{path} is a link out of {folder}: only what is in it is read, put the file there")


def _read(path: Path, what: str, file: BinaryIO, count: int) -> bytes:
    try:
        return file.read(count)
    except OSError as error:
        raise _unreadable(path, what, error) from error


def _check_kind(path: Path, what: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UserError(f"{what} {path} is a folder: name a file")
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise UserError(f"{what} {path} must be a regular file, it is {kind}")


def _unreadable(path: Path, what: str, error: Exception) -> UserError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UserError(f"there is no {what} {path}")
    if isinstance(error, OSError) and error.errno is not None and os.path.lexists(path) and _is_socket(path):
        return UserError(f"{what} {path} must be a regular file, it is a socket")
    return UserError(f"{what} {str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}")


def _is_socket(path: Path) -> bool:
    return stat.S_ISSOCK(os.lstat(path).st_mode)
