"""``becalm NOUN train``: what is trained and how, and what stands on disk as it goes."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel, Field, create_model

from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.lock import hold
from becalm.plugin.find import resolve
from becalm.plugin.hooks import DomainRef
from becalm.plugin.report import counted
from becalm.plugin.settings import Settings
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.error_boundary import Stopped, on_stop
from becalm_apps.cli.form import Form
from becalm_apps.cli.progress import clock
from becalm_apps.cli.verb import Call, Verb
from becalm_apps.tracking.tracker import Tracker
from becalm_apps.tracking.uri import DEFAULT, tracking_uri
from becalm_apps.verbs.session.watch import far
from becalm_apps.verbs.session.words import beaten, told

if TYPE_CHECKING:
    import torch

    from becalm.train import Training, TrainState
    from becalm_apps.verbs.session.run import Habits

SUMMARY = "Train a model."
_ON_RESUME = ("--steps", "--minutes")


def verb(ref: DomainRef) -> Verb:
    """The command."""

    def form(taken: Sequence[str]) -> Form:
        flat = ("settings", "objective", "training")
        return Form(
            ref.name, plan(ref), section=lambda key: ref.name if key == "settings" else key, flat=flat, taken=taken
        )

    out = Path("runs") / f"{ref.name}.safetensors"
    own = [
        common.file("--out", "Checkpoint; log, picture and resume state stand beside it.", default=out),
        click.Option(
            ["--resume"],
            is_flag=True,
            help="Go on with the training of --out; of its settings only --steps or --minutes can change.",
        ),
        click.Option(
            ["--from", "origin"],
            metavar="NAME|FILE",
            help="Begin with the weights of this checkpoint, for fine-tuning, and with its settings where no flag and "
            "no --config says otherwise.",
        ),
        click.Option(
            ["--student"],
            metavar="NAME|FILE",
            help="Begin with the weights of this one instead, where the objective learns from that of --from.",
        ),
        click.Option(
            ["--anyway"], is_flag=True, help="Go on by --resume although the data are not those that it began with."
        ),
        common.whole("--every", "Steps between saves, at most.", default=500, low=1),
        common.whole(
            "--preview", "Samples in the picture beside the checkpoint, which takes 2 % of the time.", default=16, low=0
        ),
        click.Option(["--no-preview"], is_flag=True, help="No picture, as --preview 0."),
        click.Option(["--half"], is_flag=True, help="Store the checkpoint's weights as float16."),
        common.device(),
        click.Option(
            ["--tracking"],
            metavar="URI",
            help="MLflow server or database to track the training in; default: $BECALM_TRACKING, $MLFLOW_TRACKING_URI, "
            f"or {DEFAULT}.",
        ),
        click.Option(["--no-tracking"], is_flag=True, help="Track nothing; the log beside the checkpoint is kept."),
        common.quiet("Nothing but results, warnings and errors."),
        common.as_json("Print the summary as JSON."),
    ]
    examples = [
        f"becalm {ref.name} train --steps 2000 --out {out}",
        f"becalm {ref.name} train --minutes 60 --out {out}",
        f"becalm {ref.name} train --resume --out {out}",
        f"becalm {ref.name} train --schedule linear --schedule.last 0.01 --print-config > train.toml",
        f"becalm {ref.name} train --config train.toml --rate 3e-4",
    ]
    run, base = partial(_run, ref), partial(_base, ref)
    return Verb("train", SUMMARY, form=form, own=own, run=run, examples=examples, base=base)


def _base(ref: DomainRef, own: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of the checkpoint that a training begins from."""
    for name, option in (("origin", "--from"), ("student", "--student")):
        if own["resume"] and own[name] is not None:
            raise UserError(f"--resume goes on with the weights that are there: leave out {option} {own[name]}")
    if own["origin"] is None:
        return {}
    from becalm.files.checkpoint import Checkpoint
    from becalm.model import find

    config = Checkpoint.read(find(own["origin"])).config
    if config.get("domain") != ref.name:
        raise UserError(f"checkpoint {own['origin']} is of domain {config.get('domain')!r}, not {ref.name!r}")
    return {name: config[name] for name in ("settings", "schedule", "objective")}


def plan(ref: DomainRef) -> type[BaseModel]:
    """All that is settled before a training, as one model: the sections of a config file."""
    from becalm.train.plan import sections

    kind: Any = resolve(ref.target)
    fields = {"settings": (kind, Field(default={}, validate_default=True)), **sections(kind)}
    return create_model("Plan", __base__=Settings, **fields)


def _run(ref: DomainRef, call: Call) -> None:
    out: Path = call.own["out"]
    how = f"{_again(ref, out)} goes on" if call.own["resume"] else "nothing was saved yet"
    with on_stop(how), hold(out):
        _work(ref, call)


def _work(ref: DomainRef, call: Call) -> None:
    """Trains what is left, or says that nothing is."""
    from becalm.device import pick

    out: Path = call.own["out"]
    _check(out, call)
    uri = _tracking(call)
    state = _start(ref, call, pick(call.own["device"]))
    if not call.own["quiet"] and (summary := state.domain.summary()):
        click.echo(summary, err=True)
    if not call.own["resume"]:
        for sentence in state.domain.doubts():
            click.echo(f"warning: {sentence}", err=True)
    named, quiet = call.own["tracking"] is not None, call.own["quiet"]
    mended = call.own["resume"] and _mend(state, call)
    with Tracker(uri, out, named=named, quiet=quiet) as tracker:
        if state.over:
            _done(state, call, tracker, mended=mended)
        else:
            _train(ref, call, state, tracker)


def _mend(state: "TrainState[Any]", call: Call) -> bool:
    """Writes the checkpoint that a resumed training should have, if it has not; says so, and what else has changed."""
    from becalm.train.checks.conditions import drift
    from becalm.train.resume import complete

    out, quiet = call.own["out"], call.own["quiet"]
    wrong = complete(state, out)
    if wrong and not quiet:
        click.echo(f"becalm: {out} {wrong}; that of step {state.step} is written", err=True)
    if not state.over and not quiet and (changed := drift(state)):
        click.echo(f"becalm: {changed}", err=True)
    return bool(wrong)


def _train(ref: DomainRef, call: Call, state: "TrainState[Any]", tracker: Tracker) -> None:
    """Trains, and says how that ended."""
    from becalm.train.resume import export
    from becalm_apps.verbs.session.run import run

    out: Path = call.own["out"]
    ended = run(state, out, tracker, _habits(call))
    if ended.stopped:
        reached = far(state, of=" of ", after=" after ")
        raise Stopped(_stopped(out, reached, ended.saved, state.step, _again(ref, out)), ended.stopped)
    if call.own["as_json"]:
        digest = export(state, half=call.own["half"]).digest
        summary = {"out": str(out), "steps": state.step, "loss": ended.loss, **ended.seen}
        print_document({**summary, "seconds": round(state.seconds, 3), "checkpoint": digest})
    elif not call.own["quiet"]:
        seen = told(ended.seen)
        test = f", {seen}" if seen else ""
        trained = f"{counted(state.step, 'step')} in {clock(state.seconds)}"
        speed = f"{state.step / max(state.seconds, 1e-9):.3g} steps/s"
        click.echo(f"{out}: {trained}, {speed}, loss {ended.loss:.4f}{test}")
        for sentence in beaten(ended.seen):
            click.echo(f"becalm: {sentence}", err=True)


def _habits(call: Call) -> "Habits":
    from becalm_apps.verbs.session.run import Habits

    preview = 0 if call.own["no_preview"] else call.own["preview"]
    return Habits(call.own["every"], call.own["half"], preview, call.own["quiet"])


def _again(ref: DomainRef, out: Path) -> str:
    return f"becalm {ref.name} train --resume --out {out}"


def _stopped(out: Path, reached: str, saved: int | None, step: int, again: str) -> str:
    """How a training that a signal stopped stands, and how it goes on."""
    if saved == step:
        return f"saved {out} at {reached}; {again} goes on"
    if saved is None:
        return f"stopped after {reached}, before anything was saved"
    return f"stopped after {reached}; {out} is of step {saved}, from which {again} goes on"


def _done(state: "TrainState[Any]", call: Call, tracker: Tracker, *, mended: bool) -> None:
    """Says that there is nothing left to train, once nothing is missing of what follows the last save."""
    from becalm_apps.verbs.session.run import finish, is_finished

    out, training, habits = call.own["out"], state.training, _habits(call)
    if mended or tracker.is_behind() or not is_finished(out, habits.preview):
        finish(state, out, tracker, habits)
    if call.own["as_json"]:
        print_document({"out": str(out), "steps": state.step, "done": True})
    elif training.steps is not None and state.step >= training.steps:
        click.echo(f"{out}: all {training.steps} steps are done; --resume --steps N goes on to step N")
    else:
        click.echo(f"{out}: all {training.minutes:g} minutes are spent; --resume --minutes M goes on to minute M")


def _tracking(call: Call) -> str | None:
    """Where the training is tracked, if it is."""
    if not call.own["no_tracking"]:
        return tracking_uri(call.own["tracking"])
    if call.own["tracking"] is not None:
        raise UserError(f"--no-tracking tracks nothing: leave out --tracking {call.own['tracking']}")
    return None


def _check(out: Path, call: Call) -> None:
    """Refuses what could not be saved or would overwrite a training."""
    from becalm.train.resume import resume_path

    atomic.check(out, (".safetensors",))
    if call.own["resume"]:
        refused = [name for name in call.given if name not in _ON_RESUME]
        if refused:
            raise UserError(f"--resume takes its settings from {resume_path(out)}: leave out {', '.join(refused)}")
        return
    if call.own["anyway"]:
        raise UserError("--anyway has --resume go on with other data: give both, or leave it out")
    for path in (out, resume_path(out)):
        if path.exists() and not resume_path(out).exists():
            without = f"{path} exists, and {resume_path(out).name}, by which its training would go on, does not"
            raise UserError(f"{without}: begin from its weights by --from {path}, or anew, with another --out")
        if path.exists():
            raise UserError(f"{path} exists: go on with its training by --resume, or name another --out")


def _start(ref: DomainRef, call: Call, device: "torch.device") -> "TrainState[Any]":
    from becalm.files.checkpoint import Checkpoint
    from becalm.model import find
    from becalm.train import begin
    from becalm.train.resume import resume
    from becalm_apps.verbs.session.log import seconds_spent

    settings: Any = call.settings
    if not call.own["resume"]:
        settings.objective.check(settings.objective.fit(settings.schedule))
        origin, student = (
            None if call.own[name] is None else Checkpoint.read(find(call.own[name])) for name in ("origin", "student")
        )
        plan = settings.schedule, settings.objective, settings.training
        return begin(settings.settings.fit(), *plan, device, origin=origin, student=student)
    state = resume(call.own["out"], device, anyway=call.own["anyway"])
    if state.domain.name != ref.name:
        raise UserError(f"{call.own['out']} is a training of domain {state.domain.name!r}, not {ref.name!r}")
    # The state of a training by steps keeps no time, since two of them are to have the same bits.
    state.seconds = state.seconds or seconds_spent(call.own["out"].with_suffix(".jsonl"), state.step)
    if not set(_ON_RESUME).isdisjoint(call.given):
        _extend(state, call.own["out"], settings.training)
    return state


def _extend(state: "TrainState[Any]", out: Path, asked: "Training") -> None:
    """Gives a training the steps or the minutes asked for, instead of those that it had.

    Raises:
        UserError: If it has had more already.
    """
    if asked.steps is not None and asked.steps < state.step:
        raise UserError(f"{out} has {state.step} steps already: --steps must be no fewer, got {asked.steps}")
    # The last step ends a little after the time that it was given.
    spent = min(state.seconds / 60, state.training.minutes or math.inf)
    if asked.minutes is not None and asked.minutes < spent:
        had = f"{out} has had {spent:.3g} minutes already"
        raise UserError(f"{had}: --minutes must be no fewer, got {asked.minutes:g}")
    state.training = state.training.model_copy(update={"steps": asked.steps, "minutes": asked.minutes})
