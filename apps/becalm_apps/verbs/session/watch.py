"""How a training goes, on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from becalm_apps.cli.progress import Meter, clock

if TYPE_CHECKING:
    from becalm.train import TrainState

_EVERY = 10.0

Report = Callable[[Sequence[float], str], None]


@contextmanager
def watch(state: "TrainState[Any]", quiet: bool) -> Iterator[tuple[Callable[[], None], Report]]:
    """Yields what to call after each step, and what to call now and then with the latest losses and figures."""
    begun, done = state.seconds, state.step
    shown, note, meter = time.perf_counter(), "", Meter("training", quiet=quiet)

    def tick() -> None:
        part = state.training.used(state.step, state.seconds)
        meter.set(part.done, part.total, f"{far(state)}  {note}")

    def report(losses: Sequence[float], seen: str) -> None:
        nonlocal shown, note
        if not losses or state.step == done:
            return
        speed = (state.step - done) / max(state.seconds - begun, 1e-9)
        note = "  ".join(filter(None, [f"loss {sum(losses) / len(losses):.4f}", seen, f"{speed:.3g} steps/s"]))
        now = time.perf_counter()
        if not quiet and not sys.stderr.isatty() and now - shown >= _EVERY:
            shown = now
            click.echo(f"{far(state)}  {note}  {clock(_left(state, speed))} left", err=True)

    try:
        yield tick, report
    finally:
        meter.stop()


def far(state: "TrainState[Any]", of: str = "/", after: str = ", ") -> str:
    """How far a training is: ``step 20/300``, ``step 20, 1:30 of 60:00 min``.

    Args:
        of: Between the steps done and all of them.
        after: Before the time spent.
    """
    training = state.training
    step = f"step {state.step}" if training.steps is None else f"step {state.step}{of}{training.steps}"
    if training.minutes is None:
        return step
    spent = clock(state.seconds).removesuffix(" min")
    return f"{step}{after}{spent} of {clock(60 * training.minutes)}"


def _left(state: "TrainState[Any]", speed: float) -> float:
    """Seconds until the training ends at this speed."""
    training = state.training
    ends = [] if training.steps is None else [(training.steps - state.step) / speed]
    if training.minutes is not None:
        ends.append(max(60 * training.minutes - state.seconds, 0.0))
    return min(ends)
