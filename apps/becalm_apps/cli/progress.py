"""A bar with the time left, on stderr, for people: where stderr is no terminal there is none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from becalm_apps.cli.terminal import console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Advance = Callable[[str], None]


@contextmanager
def bar(title: str, total: int, *, done: int = 0, quiet: bool = False) -> Iterator[Advance]:
    """A bar of ``total`` steps; call what it yields after each, with a note to show."""
    if quiet or not sys.stderr.isatty():
        yield lambda note: None
        return
    with _progress() as progress:
        task = progress.add_task(title, total=total, completed=done, note="")
        yield lambda note: progress.update(task, advance=1, note=note)


class Meter:
    """A bar for work that says itself how far it has come; there is none until it does.

    Args:
        title: What stands before the bar.
        quiet: Whether there is never one; nor is there where stderr is no terminal.
    """

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self._title, self._shown = title, not quiet and sys.stderr.isatty()
        self._bar: tuple[Progress, TaskID] | None = None

    def set(self, done: float, total: float, text: str) -> None:
        """Shows how far the work has come."""
        if not self._shown:
            return
        if self._bar is None:
            progress = _progress()
            self._bar = progress, progress.add_task(self._title, total=total, note="")
            progress.start()
        progress, task = self._bar
        progress.update(task, completed=done, total=total, note=text)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Takes the bar away while something is printed."""
        self.stop()
        yield
        if self._bar is not None:
            self._bar[0].start()

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar[0].stop()


def _progress() -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console(stderr=True),
        transient=True,
        # What is printed to stdout belongs there, not above the bar on stderr.
        redirect_stdout=False,
    )


def clock(seconds: float) -> str:
    """A duration to read: ``4.2 s``, ``3:05`` minutes, ``1:02:03`` hours."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
