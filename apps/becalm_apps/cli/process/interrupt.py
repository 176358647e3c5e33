"""Ctrl-C at bad moments: it waits for the end of an import of a library written in C, and of a destructor.

Stopped in its import, such a library forgets that it was stopped, fails with another error, or takes the process down.
What a destructor raises is dropped by Python, as is what a callback of the garbage collector or of a weak reference
raises: there the interrupt comes again.
"""

import _thread
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


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Has Ctrl-C wait for such moments to pass within the block; at others it interrupts at once."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, _pressed)
    sys.unraisablehook = partial(_dropped, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)


def _pressed(number: int, frame: FrameType | None) -> None:
    if not _unsafe(frame):
        raise KeyboardInterrupt
    _later(number)


def _dropped(hook: Callable[[Any], object], what: Any) -> None:
    """Told by Python of an exception that it will not pass on; ``what`` is a ``sys.UnraisableHookArgs``."""
    if issubclass(what.exc_type, KeyboardInterrupt):
        _later(signal.SIGINT)
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
