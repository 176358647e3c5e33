"""The training's end of tracking: starts the recorder, tells it what happens, and never waits for it while training.

Whatever goes wrong here is said in one line, once, and costs no training.
"""

import functools
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, cast

import click

from becalm.errors import UserError, first_line
from becalm.plugin.distribution.missing import command
from becalm_apps.tracking.manifest import RunManifest, manifest_path
from becalm_apps.tracking.uri import ENVIRONMENT, HIDDEN, RECORDER, address, redact, wait_seconds

if TYPE_CHECKING:
    from becalm.train import TrainState


P = ParamSpec("P")


def _harmless(work: Callable[P, None]) -> Callable[P, None]:
    """Turns whatever goes wrong in a method of a tracker into one line."""

    @functools.wraps(work)
    def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:
            cast(Tracker, args[0]).complain(first_line(error))

    return tried


class Tracker:
    """Tracks one session of a training; a context that ends with it.

    Args:
        uri: Address of the store, or None to track nothing.
        out: The checkpoint.
        named: Whether the user named the store for this session, which then counts more than where the run is.
        quiet: Whether nothing but failures is said.
    """

    def __init__(self, uri: str | None, out: Path, *, named: bool = False, quiet: bool = False) -> None:
        self._uri, self._out, self._named, self._quiet = uri, out, named, quiet
        self._process: subprocess.Popen[bytes] | None = None
        self._heard: list[dict[str, Any]] = []
        self._complained = self._over = False

    def __enter__(self) -> "Tracker":
        return self

    @_harmless
    def begin(self, state: "TrainState[Any]", seconds: float) -> None:
        """Starts the recorder, which goes on with the training's run if there is one.

        Args:
            seconds: Trained before.
        """
        if self._uri is None:
            if state.step == 0:  # An older training of that name may have left its manifest.
                manifest_path(self._out).unlink(missing_ok=True)
            return
        if importlib.util.find_spec("mlflow") is None:
            if not self._quiet:
                click.echo(
                    "becalm: this training is not tracked, since mlflow is not installed: "
                    f"{command('mlflow')}, or train with --no-tracking",
                    err=True,
                )
            self._complained = True
            return
        manifest = _manifest(state, self._out, self._uri, self._named, seconds)
        manifest.write(manifest_path(self._out))
        # A store whose address is a secret is only where this session says.
        uri = self._uri if HIDDEN in manifest.uri else address(manifest.uri)
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-P", "-m", "becalm_apps.tracking.recorder", str(manifest_path(self._out).absolute())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("BECALM_DEBUG") else subprocess.DEVNULL,
            env={**ENVIRONMENT, **os.environ, RECORDER: uri},
            # Ctrl-C is for the training; the recorder then brings its run to an end. A session of its own would do the
            # same, but kernels that share processors fairly among sessions would not heed the recorder's low priority.
            process_group=0 if os.name != "nt" else None,
        )
        if self._process.stdin is not None and os.name != "nt":  # There, pipes always block; what is told is little.
            os.set_blocking(self._process.stdin.fileno(), False)
        threading.Thread(target=self._listen, daemon=True).start()

    def is_behind(self) -> bool:
        """Whether the training, which is done, has a run that does not know it: its recorder did not come to that."""
        if self._uri is None or not manifest_path(self._out).exists():
            return False
        with suppress(UserError):
            return RunManifest.read(manifest_path(self._out)).status != "FINISHED"
        return True

    def announce_picture(self, step: int) -> None:
        """Notes that the picture beside the checkpoint shows the samples of ``step``."""
        self._tell({"picture": step})

    @_harmless
    def end(self, status: str) -> None:
        """Has the recorder end the run.

        Args:
            status: As MLflow calls it: FINISHED, KILLED, FAILED.
        """
        if self._process is not None and self._process.stdin is not None and not self._over:
            self._over = True
            self._tell({"end": status})
            self._process.stdin.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self.end("FAILED" if issubclass(kind, Exception) else "KILLED")
            return
        self.end("FINISHED")
        # Ctrl-C only ends the waiting.
        with suppress(KeyboardInterrupt):
            self._wait()

    def complain(self, text: str) -> None:
        """Says once what is wrong."""
        if not self._complained:
            self._complained = True
            what = f"becalm: tracking fails, the training does not: {redact(text)}"
            with suppress(OSError):
                click.echo(f"{what}; {self._out.with_suffix('.jsonl')} has every step", err=True)

    @_harmless
    def _tell(self, word: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # A recorder that does not listen, or no longer, misses a picture or ends at the end of the pipe.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._process.stdin.fileno(), json.dumps(word).encode() + b"\n")

    def _listen(self) -> None:
        """Collects what the recorder says, in a thread of its own; a read of a pipe cannot wait a while only."""
        stream = self._process.stdout if self._process is not None else None
        with suppress(OSError, ValueError):
            for line in stream or ():
                self._heard.append(json.loads(line))

    def check(self) -> None:
        """Says what the recorder complains of, if it does."""
        for word in self._heard:
            if "trouble" in word:
                self.complain(str(word["trouble"]))
        if self._process is not None and self._process.poll():
            self.complain(f"the recorder ended with exit code {self._process.returncode}")

    @_harmless
    def _wait(self) -> None:
        """Waits a little for the recorder of a training that is done."""
        deadline = time.monotonic() + wait_seconds()
        while self._process is not None and self._process.poll() is None:
            if self._complained:
                return
            if time.monotonic() > deadline:
                if not self._quiet:
                    click.echo("becalm: tracking goes on by itself until all of the training is there", err=True)
                return
            time.sleep(0.05)
            self.check()
        self.check()


def _manifest(state: "TrainState[Any]", out: Path, uri: str, named: bool, seconds: float) -> RunManifest:
    """The manifest of this session: of the run that the training has in this store, or of a new one."""
    from becalm.train.resume import describe
    from becalm_apps.tracking.code import distributions

    fresh = RunManifest(
        uri=redact(uri),
        config=describe(state),
        code=distributions(state.domain.name),
        command=redact(shlex.join(["becalm", *sys.argv[1:]])),
        started=time.time() - seconds,
    )
    if state.step == 0 or not manifest_path(out).exists():
        return fresh
    before = RunManifest.read(manifest_path(out))
    if named and before.uri != fresh.uri:
        return fresh
    kept = {"uri": before.uri, "training": before.training, "started": before.started, "run_id": before.run_id}
    return fresh.model_copy(update={**kept, "logged": before.logged})
