"""The loop around ``becalm.train.loop.train``: saves, log, looks, stop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.train import TrainState, train
from becalm.train.checks.finite import DivergedError
from becalm.train.resume import resume_path, save
from becalm_apps.cli.process.interrupt import interrupted_code
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
        saved: The step of the last save; None if there is none.
    """

    loss: float
    seen: dict[str, float]
    stopped: int
    saved: int | None


def run(state: TrainState[Any], out: Path, tracker: Tracker, habits: Habits) -> Outcome:
    """Trains to the end or to a signal, and leaves it saved, unless a second signal comes within a step.

    Raises:
        UserError: If a loss, a gradient or a weight is no longer finite; what was saved last is kept, and named.
    """
    log = Log.open(out.with_suffix(".jsonl"), state.step)
    tracker.begin(state, state.seconds)
    losses: list[float] = []
    read_at, saved_at = state.seconds, state.seconds
    saved, asked = state.step if resume_path(out).exists() else None, 0
    with watch(state, habits.quiet) as (tick, report), watch_signals() as stopped:
        try:
            looks = Looks(state, out.with_suffix(".png"), habits.preview, stopped)
            for step in train(state):
                log.add(step, looks.look())
                tick()
                asked = stopped() if not state.over else 0
                saves = asked or state.over or step.step % habits.every == 0 or step.seconds - saved_at > _SAVE_EVERY
                # Reading a loss waits for the device, so it is not done at every step.
                if saves or step.seconds - read_at > _LOOK_EVERY:
                    read_at = step.seconds
                    losses = [*losses, *log.flush()][-_MEAN_OF:]
                    report(losses, str(looks))
                    tracker.check()
                if saves:
                    with stopped.shield():
                        save(state, out, half=habits.half)
                    saved, saved_at = step.step, step.seconds
                    asked = asked or (stopped() if not state.over else 0)
                    if not asked and looks.draw():
                        tracker.announce_picture(step.step)
                if asked:
                    break
        except DivergedError as error:
            raise UserError(f"{error}; {_kept(out, saved)}") from error
        except KeyboardInterrupt as pressed:
            asked = interrupted_code(pressed)
    tracker.end("KILLED" if asked else "FINISHED")
    return Outcome(sum(losses) / max(len(losses), 1), dict(looks.seen), asked, saved)


def finish(state: TrainState[Any], out: Path, tracker: Tracker, habits: Habits) -> None:
    """What comes after the last save, of a training that was ended right after it: the picture, the end of its run."""
    tracker.begin(state, state.seconds)
    with watch_signals() as stopped:
        looks = Looks(state, out.with_suffix(".png"), habits.preview, stopped)
        looks.look()
        if looks.draw():
            tracker.announce_picture(state.step)
    tracker.end("FINISHED")


def is_finished(out: Path, preview: int) -> bool:
    """Whether there is the picture that follows the last save, if there is to be one."""
    picture = out.with_suffix(".png")
    if not preview:
        return True
    return picture.exists() and picture.stat().st_mtime_ns >= resume_path(out).stat().st_mtime_ns


def _kept(out: Path, saved: int | None) -> str:
    if saved is None:
        return "nothing was saved before"
    return f"{out} and {resume_path(out)} are kept, of step {saved}"
