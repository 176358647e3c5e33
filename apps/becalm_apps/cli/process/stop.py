"""Signals as a question that a loop asks between two steps, so that what it saves is never half a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from becalm_apps.cli.process.interrupt import Interrupt


class Stop:
    """Whether Ctrl-C, SIGTERM or a closed terminal has asked for the end. A second one interrupts at once."""

    def __init__(self) -> None:
        self._asked, self._shielded = 0, False

    def __call__(self) -> int:
        """The exit code that a signal asks for; 0 while there was none."""
        return self._asked

    @contextmanager
    def shield(self) -> Iterator[None]:
        """No second signal interrupts the block: for what must come to its end, and soon does."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """What a signal calls."""
        again, self._asked = self._asked, 128 + number
        if again and not self._shielded:
            raise Interrupt(number)


@contextmanager
def watch_signals() -> Iterator[Stop]:
    """Has the signals ask what is yielded; those that are ignored, as a closed terminal is under nohup, stay so."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop.note) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
