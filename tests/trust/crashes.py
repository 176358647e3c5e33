"""Has a process die, or find the disk full or broken, at its k-th change of the files below a folder.

Counted are Python's calls into the system: opening to write, each write, fsync, rename, link, remove, chmod, folders
made and removed. A write that fails has written half of what it should.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEATH, FULL, BROKEN = "death", "ENOSPC", "EIO"
_NAMES = ("replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir", "chmod", "fsync")
_FREEING = ("unlink", "remove", "rmdir", "replace", "rename", "chmod")
"""Calls that need no space."""


class Crash:
    """Counts, and fails at one of the calls; a full disk stays full.

    Args:
        folder: Whose files count.
        how: ``DEATH``, ``FULL`` or ``BROKEN``.
        at: Number of the call that fails, from 1; 0 for none.
    """

    def __init__(self, folder: Path, how: str, at: int) -> None:
        self._folder, self._how, self._at = str(folder.absolute()), how, at
        self.count, self.at_call = 0, ""

    def install(self) -> None:
        """From now on, in this process."""
        for name in _NAMES:
            setattr(os, name, self._wrap(name, getattr(os, name)))
        os.open = self._wrap_open(os.open)
        builtins.open = io.open = self._wrap_file(io.open)

    def _fails(self, name: str) -> bool:
        self.count += 1
        if self._at and self.count == self._at:
            self.at_call = name
            return True
        return bool(self._at) and self.count > self._at and self._how == FULL and name not in _FREEING

    def _fail(self) -> None:
        if self._how == DEATH:
            os.kill(os.getpid(), signal.SIGKILL)
        code = getattr(errno, self._how)
        raise OSError(code, os.strerror(code))

    def disarm(self) -> None:
        """Lets everything pass from now on."""
        self._at = 0

    def _ours(self, place: Any) -> bool:
        try:
            path = Path(f"/proc/self/fd/{place}").readlink() if isinstance(place, int) else Path(os.fsdecode(place))
        except (OSError, TypeError):
            return False
        return str(path.absolute()).startswith(self._folder)

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(place: Any, *args: Any, **kwargs: Any) -> Any:
            if self._ours(place) and self._fails(name):
                self._fail()
            return real(place, *args, **kwargs)

        return called

    def _wrap_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(place: Any, flags: int, *args: Any, **kwargs: Any) -> Any:
            if flags & os.O_CREAT and self._ours(place) and self._fails("open"):
                self._fail()
            return real(place, flags, *args, **kwargs)

        return called

    def _wrap_file(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(place: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            writes = not mode.startswith("r") and not isinstance(place, int)
            if not writes or not self._ours(place):
                return real(place, mode, *args, **kwargs)
            if self._fails("open"):
                self._fail()
            return _File(real(place, mode, *args, **kwargs), self)

        return called

    def write(self, file: Any, content: Any) -> Any:
        """A write, whole or half."""
        if self._fails("write"):
            file.write(content[: len(content) // 2])
            file.flush()
            self._fail()
        return file.write(content)


class _File:
    """An open file whose writes count."""

    def __init__(self, file: Any, crash: Crash) -> None:
        self._file, self._crash = file, crash

    def write(self, content: Any) -> Any:
        return self._crash.write(self._file, content)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
