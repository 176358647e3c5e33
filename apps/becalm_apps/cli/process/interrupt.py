"""Ctrl-C, a closed terminal and SIGTERM interrupt a command alike, but not at bad moments: they wait for the end of an
import of a library written in C, and of a destructor.

Stopped in its import, such a library forgets that it was stopped, fails with another error, or takes the process down.
What a destructor raises is dropped by Python, as is what a callback of the garbage collector or of a weak reference
raises: there the interrupt comes again.
"""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

_LIBRARIES = {"PIL", "highspy", "matplotlib", "numpy", "scipy", "torch"}
_IMPORT = "<frozen importlib"
_AGAIN = 0.05
"""Seconds after which an interrupt that came too early comes again."""
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupt(KeyboardInterrupt):
    """An interrupt by a signal.

    Attributes:
        number: Of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number


def interrupted_code(pressed: BaseException) -> int:
    """The exit code that an interrupt asks for, or the one that it was raised from: 130 for Ctrl-C."""
    while not isinstance(pressed, Interrupt) and pressed.__cause__ is not None:
        pressed = pressed.__cause__
    return 128 + (pressed.number if isinstance(pressed, Interrupt) else signal.SIGINT)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Has these signals wait for such moments to pass within the block; at others they interrupt at once.

    One that is ignored, as a closed terminal is under nohup, stays so.
    """
    usual = {signal.SIGINT: signal.default_int_handler, **dict.fromkeys(_ENDING, signal.SIG_DFL)}
    before = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    if not before or threading.current_thread() is not threading.main_thread():
        yield
        return
    hook = sys.unraisablehook
    for number in before:
        signal.signal(number, _pressed)
    sys.unraisablehook = partial(_dropped, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _forget() -> None:
    """Has what ends a process end a forked one at once, whatever it does: it is not the command."""
    for number in _ENDING:
        if signal.getsignal(number) is _pressed:
            signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _pressed(number: int, frame: FrameType | None) -> None:
    if not _unsafe(frame):
        raise Interrupt(number)
    _later(number)


def _dropped(hook: Callable[[Any], object], what: Any) -> None:
    """Told by Python of an exception that it will not pass on; ``what`` is a ``sys.UnraisableHookArgs``."""
    if issubclass(what.exc_type, KeyboardInterrupt):
        _later(getattr(what.exc_value, "number", signal.SIGINT))
    else:
        hook(what)


def _later(number: int) -> None:
    again = threading.Timer(_AGAIN, _press, (number,))
    again.daemon = True
    again.start()


def _press(number: int) -> None:
    # A signal of its own wakes a main thread that waits; where threads get none, it is noticed when the wait is over.
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _unsafe(frame: FrameType | None) -> bool:
    """Whether a destructor runs, or one of the libraries is at work in an import."""
    library = imports = False
    while frame is not None:
        library = library or str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES
        imports = imports or frame.f_code.co_filename.startswith(_IMPORT)
        if (library and imports) or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
