"""A bar with the time left, on stderr, for people: where stderr is no terminal there is none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

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


def _progress() -> "Progress":
    from rich.console import Console
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
        console=Console(stderr=True),
        transient=True,
    )


def clock(seconds: float) -> str:
    """A duration to read: ``4.2 s``, ``3:05`` minutes, ``1:02:03`` hours."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
