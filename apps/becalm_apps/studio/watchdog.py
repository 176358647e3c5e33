"""An end to a process that is stuck: whoever is told to stop and has not in twenty seconds is killed.

Python calls a signal's handler between two of its own instructions, so never while a library waits for ever with the
interpreter in hand. The number of the signal is written to a pipe even then; a small process reads it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 20.0
_PATIENCE = 1.0

_SCRIPT = """
import os, select, signal, sys, time
parent, seconds, number = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
end = None
while True:
    left = None if end is None else end - time.monotonic()
    if left is not None and left <= 0:
        if os.getppid() == parent:
            os.kill(parent, signal.SIGKILL)
        break
    if not select.select([0], [], [], left)[0]:
        continue
    said = os.read(0, 64)
    if not said:
        break
    if end is None and number in said:
        end = time.monotonic() + seconds
"""


@contextmanager
def watchdog(number: int = signal.SIGTERM, seconds: float = SECONDS) -> Iterator[None]:
    """Sees to it, while the block runs in the main thread, that this process ends within ``seconds`` of a signal.

    The signal must have a handler. Where there are no pipes to wait for, as on Windows, nothing is seen to.
    """
    if os.name == "nt":
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    words = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(os.getpid()), str(seconds), str(int(number))]
    # In a session of its own, so that Ctrl-C in a terminal does not reach it.
    dog = subprocess.Popen(  # noqa: S603 (our own words)
        words, stdin=reading, stdout=subprocess.DEVNULL, start_new_session=True
    )
    os.close(reading)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            signal.set_wakeup_fd(before)
        os.close(writing)  # At which the small process ends.
        with contextlib.suppress(subprocess.TimeoutExpired):
            dog.wait(_PATIENCE)
        dog.kill()  # Where a child of ours holds the pipe as well.
        dog.wait()
