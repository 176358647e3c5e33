"""What a training ended in, and whether that is what it should have ended in."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forked import Ended

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.train.resume import resume_path

_PATIENCE = 180.0
"""Seconds: a recorder takes what the processor has left."""


@dataclass(frozen=True)
class Ends:
    """All that a training leaves, but for the clock.

    Attributes:
        checkpoint, state, picture: The bytes of the files. log: Its lines without seconds.
    """

    checkpoint: bytes
    state: bytes
    picture: bytes
    log: tuple[Any, ...]

    @classmethod
    def of(cls, out: Path) -> "Ends":
        """What lies beside a checkpoint.

        Raises:
            OSError: If a file is missing.
        """
        lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
        log = tuple({**line, "seconds": 0} for line in lines)
        files = (out, resume_path(out), out.with_suffix(".png"))
        checkpoint, state, picture = (file.read_bytes() for file in files)
        return cls(checkpoint, state, picture, tuple(map(json.dumps, log)))


def judge(right: Ends, out: Path, runs: Sequence[Ended], *, saved: bool) -> str:
    """The outcome of a training that was stopped and went on: the last run is the one that should have ended it.

    Args:
        saved: Whether there was a checkpoint before that.
    """
    if any(_broken(run) for run in runs):
        return "traceback"
    if runs[-1].code != 0:
        return "lost" if saved and not _readable(out) else "refused"
    try:
        return "identical" if Ends.of(out) == right else "stale"
    except (OSError, ValueError):
        return "stale"


def store_says(out: Path) -> list[Any]:
    """The status of the training's run in MLflow, and the last step that it knows. Asked in a child.

    A recorder may still be at work when its training has ended, so it is waited for.
    """
    manifest, deadline = out.with_suffix(".run.json"), time.monotonic() + _PATIENCE
    while json.loads(manifest.read_text())["status"] != "FINISHED" and time.monotonic() < deadline:
        time.sleep(0.1)
    told, teller = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            from mlflow import MlflowClient

            run_id = json.loads(manifest.read_text())["run_id"]
            run = MlflowClient(f"sqlite:///{out.parent / 'mlflow.db'}").get_run(run_id)
            found = [run.info.status, int(run.data.tags["becalm.step"])]
        except BaseException as error:
            found = [type(error).__name__, str(error)[:200]]
        os.write(teller, json.dumps(found).encode())
        os._exit(0)
    os.close(teller)
    answer = os.read(told, 4096)
    os.close(told)
    os.waitpid(child, 0)
    return list(json.loads(answer))


def _broken(run: Ended) -> bool:
    """Whether a run ended otherwise than well, by our kill, or with one sentence."""
    if run.code is None or "Traceback" in run.said or "internal error" in run.said:
        return True
    if run.code in (0, -9):
        return False
    lines = run.said.strip().splitlines()
    return run.code != 2 or not lines or not lines[-1].startswith("becalm: ")


def _readable(out: Path) -> bool:
    try:
        Checkpoint.read(out)
    except UserError:
        return False
    return True
