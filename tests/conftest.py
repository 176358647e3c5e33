"""What the tests of several parts share."""

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from becalm_apps.main import main

Ran = tuple[int, str, str]
Run = Callable[..., Ran]
Function = Callable[[], Any]

# The many short trainings of the tests are not tracked; the tests of tracking ask for it.
os.environ["BECALM_TRACKING"] = "off"


@pytest.fixture
def becalm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BECALM_DEBUG", raising=False)

    def run(*words: object) -> Ran:
        if (torch := sys.modules.get("torch")) is not None:
            # As in a new process: Ctrl-C within the exit of torch.no_grad, in an earlier test, leaves gradients off.
            torch.set_grad_enabled(True)
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files and folders with what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refused(becalm: Run, tmp_path: Path) -> Callable[..., str]:
    """Runs the command, which must refuse in one sentence and write nothing; returns the sentence."""

    def run(*words: object) -> str:
        before = everything(tmp_path)
        code, out, err = becalm(*words)
        assert (code, out) == (2, ""), err
        assert err.startswith("becalm: ") and err.count("\n") == 1 and len(err) < 400
        assert "Traceback" not in err and "internal error" not in err
        assert everything(tmp_path) == before
        return err

    return run


@pytest.fixture
def stand_in() -> tuple[Callable[[Function], Function], list[str]]:
    """What a CUDA graph is stood in for by: the function that it is recorded of. And a list of what is done with it."""
    seen: list[str] = []

    def record(function: Function) -> Function:
        seen.append("recorded")

        def replay() -> Any:
            seen.append("replayed")
            return function()

        return replay

    return record, seen


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Presses Ctrl-C in this process as soon as a condition holds."""
    # As in a terminal, whatever started the tests, and whatever ran in this process before.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    if before not in (signal.SIG_IGN, signal.default_int_handler):
        warnings.warn(f"SIGINT was left to {before}", stacklevel=1)

    def press(condition: Callable[[], bool]) -> None:
        def wait() -> None:
            deadline = time.monotonic() + 60
            while not condition() and time.monotonic() < deadline:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=wait, daemon=True).start()

    yield press
    signal.signal(signal.SIGINT, before)
