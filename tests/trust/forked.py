"""The command in a forked child: libraries are imported once, so that a run costs what the command itself does.

The child's recorder, which a command starts as a process of its own, is forked likewise.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crashes import Crash

LIMIT = 60.0


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: Exit code; below 0 the signal that ended it; None if it was still at work after ``LIMIT`` seconds.
        said: What it wrote to stderr.
        calls: Calls that ``Crash`` counted, if the child came to tell.
    """

    code: int | None
    said: str
    calls: int


def preload(commands: Sequence[Sequence[str]], *, tracked: bool = True) -> None:
    """Imports and compiles what the children need, by doing in this process what they do.

    Args:
        tracked: Whether their recorders are real.

    Raises:
        RuntimeError: If a command fails, or a thread is left, which a child would wait for in vain.
    """
    import torch

    from becalm_apps.main import main

    if tracked:
        import mlflow.pyfunc  # noqa: F401

        import becalm_apps.tracking.registry.register
        import becalm_apps.tracking.run  # noqa: F401

    torch.set_num_threads(1)
    before, os.environ["BECALM_TRACKING"] = os.environ.get("BECALM_TRACKING"), "off"
    for words in commands:
        try:
            main(words)
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"becalm {' '.join(words)} ends with {ended.code}") from ended
    os.environ.pop("BECALM_TRACKING")
    if before is not None:
        os.environ["BECALM_TRACKING"] = before
    if threading.active_count() > 1:
        raise RuntimeError(f"a thread is left: {threading.enumerate()}")


def run(
    words: Sequence[str], folder: Path, *, crash: Crash | None = None, kill: float | None = None, real: bool = True
) -> Ended:
    """Runs the command in a folder.

    Args:
        crash: What to have fail.
        kill: Seconds after which it is killed.
        real: Whether trainings have their recorder; else a stand-in that only listens.
    """
    said, told = folder / "said.txt", folder / "calls.txt"
    told.unlink(missing_ok=True)
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _be(lambda: _command(words, crash, told, real=real), folder, said)
    code = _wait(child, begun, kill)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # The stand-in of its recorder.
    calls = int(told.read_text()) if told.exists() else 0
    return Ended(code, said.read_text(errors="replace"), calls)


def _wait(child: int, begun: float, kill: float | None) -> int | None:
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        spent = time.monotonic() - begun
        if spent > (LIMIT if kill is None else kill):
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            return None if kill is None else os.waitstatus_to_exitcode(status)
        time.sleep(0.002)


def _be(work: Callable[[], int], folder: Path, said: Path) -> None:
    """Becomes a process of its own that does the work, and ends with its exit code."""
    code = 99
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = work()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _command(words: Sequence[str], crash: Crash | None, told: Path, *, real: bool) -> int:
    from becalm_apps.main import main
    from becalm_apps.tracking import tracker

    tracker.subprocess = _Subprocess(crash, real)  # type: ignore[assignment]
    if crash is not None:
        crash.install()
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    if crash is not None:
        crash.disarm()
        told.write_text(str(crash.count))
    return code


class _Subprocess:
    """Stands in for the module: what it starts is forked, and has the recorder's work or only listens."""

    PIPE, DEVNULL = -1, -3

    def __init__(self, crash: Crash | None, real: bool) -> None:
        self._crash, self._real = crash, real

    def Popen(self, words: Sequence[str], env: dict[str, str], **_: Any) -> "_Process":
        to, out = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                os.dup2(to[0], 0)
                os.dup2(out[1], 1)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                os.closerange(3, 256)
                if self._crash is not None:
                    self._crash.disarm()
                if not self._real:
                    while os.read(0, 4096):
                        pass
                    os._exit(0)
                os.setpgid(0, 0)
                os.environ.update(env)
                from becalm_apps.tracking import recorder

                sys.stdin, sys.__stdout__ = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)  # type: ignore[misc]
                recorder.main(Path(words[-1]))
            os._exit(0)
        os.close(to[0])
        os.close(out[1])
        return _Process(child, os.fdopen(to[1], "wb", buffering=0), os.fdopen(out[0], "rb"))


class _Process:
    def __init__(self, pid: int, stdin: Any, stdout: Any) -> None:
        self.pid, self.stdin, self.stdout, self.returncode = pid, stdin, stdout, None

    def poll(self) -> int | None:
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode
