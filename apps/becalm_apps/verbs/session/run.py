"""The loop around ``becalm.train.loop.train``: saves, log, looks, stop."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.train import TrainState, train
from becalm.train.resume import save
from becalm_apps.cli.process.stop import watch_signals
from becalm_apps.tracking.tracker import Tracker
from becalm_apps.verbs.session.log import Log
from becalm_apps.verbs.session.look import Looks
from becalm_apps.verbs.session.watch import watch

_LOOK_EVERY = 1.0
_SAVE_EVERY = 600.0
_MEAN_OF = 200


@dataclass(frozen=True, slots=True)
class Habits:
    """What is done beside training.

    Attributes:
        every: Steps between saves; on a slow machine there are more, one in ten minutes.
        half: Whether the checkpoint's weights are float16.
        preview: Samples in the picture; 0 for no picture.
        quiet: Whether nothing is said.
    """

    every: int
    half: bool
    preview: int
    quiet: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        loss: Of the last steps, the mean.
        seen: The last figures, by name: the held-out loss, if there is a test split.
        stopped: Exit code of the signal that stopped it; 0 if it came to its end.
    """

    loss: float
    seen: dict[str, float]
    stopped: int


def run(state: TrainState[Any], out: Path, tracker: Tracker, habits: Habits) -> Outcome:
    """Trains to the end or to a signal, and leaves it saved.

    Raises:
        UserError: If the loss is no longer finite; what was saved last is kept.
    """
    log = Log.open(out.with_suffix(".jsonl"), state.step)
    tracker.begin(state, state.seconds)
    losses: list[float] = []
    read_at, saved_at, asked = state.seconds, state.seconds, 0
    with watch(state, habits.quiet) as (tick, report), watch_signals() as stopped:
        looks = Looks(state, out.with_suffix(".png"), habits.preview, stopped)
        for step in train(state):
            log.add(step, looks.look())
            tick()
            asked = stopped() if not state.over else 0
            last = bool(asked) or state.over
            saves = last or step.step % habits.every == 0 or step.seconds - saved_at > _SAVE_EVERY
            # Reading a loss waits for the device, so it is not done at every step.
            if saves or step.seconds - read_at > _LOOK_EVERY:
                read_at = step.seconds
                losses = [*losses, *log.flush()][-_MEAN_OF:]
                report(losses, str(looks))
                tracker.check()
            if saves:
                _check(losses, step.step)
                save(state, out, half=habits.half)
                saved_at = step.seconds
                if not asked and looks.draw():
                    tracker.announce_picture(step.step)
            if asked:
                break
    tracker.end("KILLED" if asked else "FINISHED")
    return Outcome(sum(losses) / len(losses), dict(looks.seen), asked)


def _check(losses: list[float], step: int) -> None:
    """Keeps weights that are of no use from taking the place of the last good ones."""
    if not math.isfinite(sum(losses)):
        raise UserError(f"the loss is no longer finite at step {step}: lower --rate, or look for NaN in the data")
