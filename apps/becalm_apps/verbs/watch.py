"""How a training goes, on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from becalm_apps.cli.progress import bar, clock

_EVERY = 10.0

ReportLosses = Callable[[int, Sequence[float]], None]


@contextmanager
def watch(total: int, done: int, quiet: bool) -> Iterator[tuple[Callable[[], None], ReportLosses]]:
    """Yields what to call after each step, and what to call now and then with the step and the latest losses."""
    started, shown, note = time.perf_counter(), time.perf_counter(), ""
    with bar("training", total, done=done, quiet=quiet) as advance:

        def tick() -> None:
            advance(note)

        def report(step: int, losses: Sequence[float]) -> None:
            nonlocal shown, note
            if not losses or step == done:
                return
            now = time.perf_counter()
            speed = (step - done) / max(now - started, 1e-9)
            note = f"loss {sum(losses) / len(losses):.4f}  {speed:.3g} steps/s"
            if not quiet and not sys.stderr.isatty() and now - shown >= _EVERY:
                shown = now
                left = clock((total - step) / speed)
                click.echo(f"step {step}/{total}  {note}  {left} left", err=True)

        yield tick, report
