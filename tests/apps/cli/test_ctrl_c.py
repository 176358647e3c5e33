"""Ctrl-C while things are loaded: one sentence, exit code 130, and a library that is being imported is let finish."""

import gc
import importlib
import signal
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import started, until

from becalm_apps.cli.process import interrupt

INTERRUPTED = (130, -signal.SIGINT)
"""Python ends itself by the signal where code that was made at run time was interrupted; shells say 130 to both."""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at what a process has loaded")
@pytest.mark.parametrize("library", ["pydantic_core", "multiarray_umath", "libc10", "libtorch_cpu", "libtorch_python"])
def test_ctrl_c_while_libraries_are_loaded_is_neither_lost_nor_a_traceback(
    library: str, environment: dict[str, str], tmp_path: Path
) -> None:
    words = ["images", "sample", "--count", 1, "--steps", 100_000, "--spacing", "linspace", "--sampler", "ddim"]
    program = started(words, tmp_path, environment, module="becalm_apps")
    maps = Path(f"/proc/{program.pid}/maps")
    until(lambda: library in maps.read_text())
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=60)
    assert program.returncode in INTERRUPTED
    assert err in ("becalm: stopped\n", "becalm: stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


LIBRARY = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(0.2)
finished = True
"""


@pytest.fixture
def pressable() -> Iterator[None]:
    """Ctrl-C interrupts, even where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in whose import Ctrl-C is pressed."""
    name = "interrupted_library"
    (tmp_path / f"{name}.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


@pytest.mark.usefixtures("pressable")
def test_a_library_that_would_not_survive_it_is_imported_to_its_end(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupt, "_LIBRARIES", {library})
    with pytest.raises(KeyboardInterrupt), interrupt.defer_interrupts():
        importlib.import_module(library)
        time.sleep(30)
    assert sys.modules[library].finished


@pytest.mark.usefixtures("pressable")
def test_any_other_import_is_interrupted_at_once(library: str) -> None:
    with pytest.raises(KeyboardInterrupt), interrupt.defer_interrupts():
        importlib.import_module(library)
    assert library not in sys.modules


@pytest.mark.usefixtures("pressable")
def test_an_interrupt_in_a_destructor_is_not_lost() -> None:
    class Dying:
        finished = False

        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)
            Dying.finished = True

    with pytest.raises(KeyboardInterrupt), interrupt.defer_interrupts():
        Dying()
        time.sleep(30)
    assert Dying.finished


@pytest.mark.usefixtures("pressable")
def test_an_interrupt_in_a_callback_of_the_garbage_collector_is_not_lost() -> None:
    times = 0

    def called(phase: str, info: dict[str, int]) -> None:
        nonlocal times
        times += 1
        if times == 1:
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(called)
    try:
        with pytest.raises(KeyboardInterrupt), interrupt.defer_interrupts():
            gc.collect()
            time.sleep(30)
    finally:
        gc.callbacks.remove(called)


@pytest.mark.usefixtures("pressable")
def test_an_interrupt_in_a_callback_of_a_weak_reference_is_not_lost() -> None:
    class Dying:
        pass

    dying = Dying()
    watch = weakref.ref(dying, lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), interrupt.defer_interrupts():
        del dying
        time.sleep(30)
    assert watch() is None


class Failing:
    """Fails where nobody can catch it."""

    def __del__(self) -> None:
        raise ValueError("of no use")


@pytest.mark.usefixtures("pressable")
def test_what_else_python_drops_is_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(what.exc_type))
    with interrupt.defer_interrupts():
        Failing()
    assert told == [ValueError]


@pytest.mark.usefixtures("pressable")
def test_afterwards_ctrl_c_is_as_it_was() -> None:
    hook = sys.unraisablehook
    with interrupt.defer_interrupts():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert sys.unraisablehook is not hook
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sys.unraisablehook is hook
