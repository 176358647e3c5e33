"""The recorder: a process beside a training that brings its log, pictures and checkpoint to MLflow.

    python -m becalm_apps.tracking.recorder mine.run.json

It reads what the training leaves on disk, so the training waits for nothing. On stdin it hears when a picture is new
and how the training ended; the end of stdin says that the training is gone, whatever the reason. What the store does
not take is tried again.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from becalm_apps.tracking.uri import RECORDER, reason

if TYPE_CHECKING:
    from becalm_apps.tracking.run import RunWriter

_EVERY = 2.0
_SLOWEST = 30.0
_AFTER = 60.0
"""Seconds after the training's end in which what failed is tried again."""


class Inbox:
    """What the training says, read in a thread of its own so that the pipe never fills.

    Attributes:
        status: How the training ended, once it has.
        picture: The newest picture and its step, until it is taken; a faster training than tracker skips some.
    """

    def __init__(self, place: Path) -> None:
        self._place, self._news = place, threading.Event()
        self.status: str | None = None
        self.picture: tuple[int, bytes] | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Waits that long, or until the training has ended."""
        self._news.wait(seconds)

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            word = json.loads(line)
            if "picture" in word:
                with suppress(OSError):
                    self.picture = int(word["picture"]), self._place.read_bytes()
            if "end" in word:
                self.status = str(word["end"])
        self.status = self.status or "KILLED"
        self._news.set()


def main(path: Path) -> None:
    """Records until the training has ended and all of it is in the store."""
    process = os.getppid()
    _stand_back()
    inbox = Inbox(path.with_name(path.name.replace(".run.json", ".png")))
    run: RunWriter | None = None
    pause, deadline, troubled = _EVERY, float("inf"), False
    while True:
        status = inbox.status
        if status is not None:
            deadline = min(deadline, time.monotonic() + _AFTER)
        try:
            run = run or _begin(path, process)
            if _update(run, inbox, status):
                return
            pause = _EVERY
        except Exception as error:
            if type(error).__name__ == "Superseded":  # Its module imports MLflow, which may be what failed.
                return
            if not troubled:
                _say({"trouble": reason(error)})
            troubled, pause = True, min(2 * pause, _SLOWEST)
        if time.monotonic() > deadline:
            return
        if status is not None:
            time.sleep(min(pause, 2.0))
        inbox.wait(pause)


def _update(run: "RunWriter", inbox: Inbox, status: str | None) -> bool:
    """Brings the run up to date, and to its end if there is a status; returns whether there is no more to do."""
    run.check()
    picture = inbox.picture
    run.sync(picture=picture, end=status is not None)
    if inbox.picture is picture:
        inbox.picture = None
    if status is None:
        return False
    run.close(status)
    return True


def _begin(path: Path, process: int) -> "RunWriter":
    # MLflow takes two seconds to import, which the training does not wait for.
    from becalm_apps.tracking.machine import Machine
    from becalm_apps.tracking.manifest import RunManifest
    from becalm_apps.tracking.run import RunWriter

    out = path.with_name(f"{path.name.removesuffix('.run.json')}.safetensors")
    return RunWriter(os.environ[RECORDER], out, RunManifest.read(path), keep=path, machine=Machine(process))


def _stand_back() -> None:
    """Leaves the processor to the training, and forgets what the environment says of other runs."""
    with suppress(OSError, AttributeError):
        os.nice(15)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        os.environ.pop(name, None)


def _say(word: dict[str, Any]) -> None:
    # The training may be gone, and nobody listens.
    with suppress(OSError, ValueError):
        print(json.dumps(word), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    # What MLflow prints must not get into the pipe to the training.
    sys.stdout = sys.stderr
    main(Path(sys.argv[1]))
