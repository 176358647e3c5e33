"""The loop around ``becalm.train.loop.train``: saves, log, picture, stop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from becalm.device import pick
from becalm.errors import first_line
from becalm.files.atomic import write_atomic
from becalm.model import build
from becalm.train import TrainState, train
from becalm.train.resume import export, save
from becalm_apps.cli.stop import watch_signals
from becalm_apps.tracking.tracker import Tracker
from becalm_apps.verbs.log import Log
from becalm_apps.verbs.output import png
from becalm_apps.verbs.watch import watch

_LOOK_EVERY = 1.0
_PREVIEW = 16
_MEAN_OF = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        loss: Of the last steps, the mean.
        seconds: Trained in all, earlier sessions included.
        stopped: Exit code of the signal that stopped it; 0 if it came to its end.
    """

    loss: float
    seconds: float
    stopped: int


def run(state: TrainState[Any], out: Path, tracker: Tracker, *, every: int, half: bool, quiet: bool) -> Outcome:
    """Trains to the end or to a signal, and leaves it saved."""
    log = Log.open(out.with_suffix(".jsonl"), state.step)
    tracker.begin(state, state.seconds)
    losses: list[float] = []
    read_at, asked = state.seconds, 0
    with watch(state, quiet) as (tick, report), watch_signals() as stopped:
        for step in train(state):
            log.add(step)
            tick()
            asked = stopped() if not state.over else 0
            last = bool(asked) or state.over
            # Reading a loss waits for the device, so it is not done at every step.
            if last or step.step % every == 0 or step.seconds - read_at > _LOOK_EVERY:
                read_at = step.seconds
                losses = [*losses, *log.flush()][-_MEAN_OF:]
                report(losses)
                tracker.check()
            if last or step.step % every == 0:
                save(state, out, half=half)
                if not asked and _preview(state, out.with_suffix(".png")):
                    tracker.announce_picture(step.step)
            if asked:
                break
    tracker.end("KILLED" if asked else "FINISHED")
    return Outcome(sum(losses) / len(losses), state.seconds, asked)


def _preview(state: TrainState[Any], path: Path) -> bool:
    """A few samples of the averaged weights, if that goes well. Whatever goes wrong here must not cost a training."""
    try:
        model = build(export(state), pick(str(state.device)))
        write_atomic(path, png(model.sample(count=_PREVIEW).picture()))
    except Exception as error:
        click.echo(f"becalm: no picture at step {state.step}: {first_line(error)}", err=True)
        return False
    return True
