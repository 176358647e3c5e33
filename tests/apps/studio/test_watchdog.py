"""A process that is told to stop ends, even where a library holds the interpreter and no handler is ever called."""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import Popen

import pytest
from running import started

# A mutex of the C library, locked twice with the interpreter's lock in hand: nothing of Python's is run any more.
STUCK = """
import ctypes, signal, sys
from becalm_apps.studio.watchdog import watchdog
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
with watchdog(seconds=0.3):
    print("ready", flush=True)
    {wait}
"""


@pytest.fixture
def stuck(environment: Mapping[str, str], tmp_path: Path) -> Callable[[str], Popen[str]]:
    def start(wait: str) -> Popen[str]:
        process = started([], tmp_path, environment, code=STUCK.format(wait=wait))
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return process

    return start


@pytest.mark.parametrize(
    ("wait", "code"),
    [
        ("c, lock = ctypes.PyDLL(None), bytes(64); [c.pthread_mutex_lock(lock) for _ in range(2)]", -signal.SIGKILL),
        ("import time; time.sleep(60)", 7),
        ("sys.exit(3)", 3),
    ],
    ids=["stuck", "idle", "ends by itself"],
)
def test_it_ends(stuck: Callable[[str], Popen[str]], wait: str, code: int) -> None:
    process = stuck(wait)
    if code != 3:
        time.sleep(0.5)  # By then it is where it says.
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == code
