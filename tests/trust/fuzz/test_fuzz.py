"""The harness itself, and a few changed files of every kind: each ends in a result or in one sentence with its name."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doors import DOORS, Door
from worker import inputs

from becalm.errors import UserError

RUN = Path(__file__).with_name("run.py")


def test_a_few_changed_files_of_every_kind_end_in_a_result_or_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN), "--out", str(tmp_path / "fuzz.jsonl"), "--count", "10"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()[1 : 1 + len(DOORS)]
    assert [line.split("  ")[0] for line in lines] == list(DOORS)
    assert all(line.split()[-7] == "10" for line in lines)


def result(path: Path) -> None: ...


def sentence(path: Path) -> None:
    raise UserError(f"{path} is wrong")


def nameless(path: Path) -> None:
    raise UserError("something is wrong")


def fault(path: Path) -> None:
    raise KeyError("x")


def hang(path: Path) -> None:
    time.sleep(60)


def deaf(path: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(60)


def crash(path: Path) -> None:
    faulthandler.disable()  # Whose words are for crashes that nobody meant.
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (result, "result"),
        (sentence, "sentence"),
        (nameless, "traceback"),
        (fault, "traceback"),
        (hang, "hang"),
        (deaf, "hang"),
        (crash, "crash"),
    ],
)
def test_every_outcome_is_told_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object, kind: str
) -> None:
    monkeypatch.setattr("worker.SECONDS", 0.2)
    monkeypatch.setattr("worker._PATIENCE", 0.3)
    monkeypatch.setitem(DOORS, "toy", Door(lambda random, data, others: data, read))  # type: ignore[arg-type]
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "a.bin").write_bytes(b"x")
    outcomes = list(inputs("toy", range(2), tmp_path, tmp_path))
    assert [(one.number, one.kind) for one in outcomes] == [(0, kind), (1, kind)]
