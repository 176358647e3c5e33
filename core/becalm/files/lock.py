"""One writer at a time: a file beside a result that says who is at work on it, from the first look to the last byte.

    runs/a.safetensors, runs/.a.safetensors.lock    {"pid": 812, "host": "node7", "born": 1723}

It is made if it is not there, so of two that begin together one is second. Whoever is killed leaves it; then its owner
is gone, and the file counts for nothing. Imports no torch.
"""

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.files.atomic import sweep
from becalm.files.owner import is_gone, owner, tag

_TRIES = 20


@contextmanager
def hold(path: Path, flag: str = "--out") -> Iterator[None]:
    """Keeps a file or a folder for this process as long as the block runs; not where nothing can be written at all.

    Raises:
        UserError: If another process has it.
    """
    if not path.absolute().name:  # The root of a file system, which whatever writes refuses.
        yield
        return
    place = lock_path(path)
    new = [folder for folder in place.parents if not folder.exists()]
    try:
        taken = _take(place, path, flag)
        try:
            sweep(place.parent)
            yield
        finally:
            if taken:
                place.unlink(missing_ok=True)
    finally:
        # Folders that were made for the lock alone go with it.
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()


def lock_path(path: Path) -> Path:
    """Where the lock of a result lies: beside it, or in it if it is a folder, whose own folder may take no files."""
    return path.absolute() / ".lock" if path.is_dir() else _beside(path)


def _beside(path: Path) -> Path:
    path = path.absolute()
    return path.with_name(f".{path.name}.lock")


def is_held(place: Path) -> bool:
    """Whether whoever wrote a lock may still be at work."""
    return place.exists() and not is_gone(_read(place))


def _take(place: Path, path: Path, flag: str) -> bool:
    """Takes the lock; false if its folder takes no files, of which whoever writes the result says more."""
    earlier = _beside(path)
    if place != earlier and is_held(earlier):  # By who made the folder.
        raise _refusal(_read(earlier), path, flag, earlier)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            with contextlib.suppress(FileExistsError):
                _put(place, json.dumps(owner()))
                return True
            other = _read(place)
            if not is_gone(other):
                break
            _drop(place)
    except OSError:
        return False
    raise _refusal(other, path, flag, place)


def _put(place: Path, text: str) -> None:
    """Makes a lock that is never seen without what it says, whatever happens meanwhile.

    Raises:
        FileExistsError: If there is one.
    """
    written = place.with_name(f"{place.name}{tag()}{threading.get_ident()}")
    try:
        written.write_text(text, encoding="utf-8")
        try:
            os.link(written, place)
        except FileExistsError:
            raise
        except OSError:  # A file system without links.
            with place.open("x", encoding="utf-8") as file:
                try:
                    file.write(text)
                    file.flush()
                except OSError:
                    place.unlink()
                    raise
    finally:
        written.unlink(missing_ok=True)


def _refusal(other: Mapping[str, Any], path: Path, flag: str, place: Path) -> UserError:
    who = f"process {other.get('pid', '?')} on {other.get('host', '?')}"
    return UserError(
        f"{who} is at work on {flag} {path}: wait for its end or name another; if it is gone, remove {place}"
    )


def _read(place: Path) -> dict[str, Any]:
    """What a lock says; nothing if it is being written or removed just now."""
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _drop(place: Path) -> None:
    """Removes a stale lock. One process at a time may, or one would remove what another has just put there."""
    with _alone(place.parent):
        if is_gone(_read(place)):
            place.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other processes out of the block, by a lock of the system's that ends with its process; not on Windows."""
    if os.name == "nt":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # A file system without such locks.
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
