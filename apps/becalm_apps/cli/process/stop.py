"""Signals as a question that a loop asks between two steps, so that what it saves is never half a step."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Asked = Callable[[], int]
"""The exit code that a signal asks for; 0 while there was none."""


@contextmanager
def watch_signals() -> Iterator[Asked]:
    """Ctrl-C and SIGTERM make what is yielded answer; a second one interrupts at once."""
    asked = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = 128 + number

    if threading.current_thread() is not threading.main_thread():
        yield lambda: asked
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
