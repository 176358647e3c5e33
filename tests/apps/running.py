"""The command at work: a process of its own, waiting for what it does, and what it says when it refuses."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from subprocess import Popen
from typing import IO, Any


def describe(folder: Path, name: str, module: str) -> None:
    """Writes the metadata of a distribution that brings a plugin."""
    info = folder / f"becalm_{name}-1.2.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: becalm-{name}\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text(f"[becalm]\n{name} = {module}\n")


def environment_with(paths: Iterable[str], **more: str) -> dict[str, str]:
    """The environment of a process of its own, with plugins on further paths."""
    before = filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *before]), "OMP_NUM_THREADS": "1", **more}


def started(
    words: Iterable[object],
    folder: Path,
    environment: Mapping[str, str],
    *,
    module: str = "becalm_apps.main",
    code: str | None = None,
    stderr: int | IO[str] = subprocess.PIPE,
) -> Popen[str]:
    """A module, the command unless another is named, or a script, as a process of its own that works in a folder."""
    program = ["-c", code] if code else ["-m", module]
    return Popen(
        [sys.executable, *program, *(str(word) for word in words)],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        # Whoever starts the tests in the background has them ignore signals, and so would the command.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)],
    )


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Waits until a condition holds; what it says then."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def refused(ran: tuple[int, str, str], words: str) -> None:
    """Checks that the command refused, in one sentence that has these words."""
    code, out, err = ran
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert words in err, err
