"""``becalm policies compare``: is one policy better than another, on the same starts under the same noise?"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import becalm.model
from becalm.errors import UserError
from becalm.model import Model
from becalm.plugin.report import Progress, Report, Table, counted
from becalm.provenance import Record, record, write
from becalm_policies.control.latency import Latency, measure
from becalm_policies.control.policy import Policy
from becalm_policies.options import CompareOptions
from becalm_policies.rollouts.estimates import Outcome, summarise
from becalm_policies.rollouts.journal import Journal
from becalm_policies.rollouts.paired import Difference, successes, values
from becalm_policies.rollouts.protocol import start
from becalm_policies.rollouts.rollout import play
from becalm_policies.rollouts.verdict import difference_table, verdicts
from becalm_policies.verbs.arms import FIRST, Arm, again, arms
from becalm_policies.verbs.evaluate import Task, actor_for, example, settings_for, task_for

_SAME = "{name} draws no noise, so with another seed it does the same: chance is in the starts, and in the intervals"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A policy that is compared: its arm, itself, where it acts, and its latency."""

    arm: Arm
    model: Model[Any]
    actor: Policy
    task: Task


@dataclass(frozen=True, slots=True)
class _Played:
    """A policy's episodes, in the order of the starts."""

    entry: _Entry
    outcomes: Sequence[Outcome]
    latency: Latency

    @property
    def name(self) -> str:
        """How tables call it."""
        return self.entry.arm.name


def run(options: CompareOptions) -> Iterator[Report]:
    """Plays the episodes that are left, then reports each policy, each difference, and what follows from it.

    Raises:
        UserError: If there are fewer than two policies, or they, the environment and the protocol do not fit together.
    """
    entries = _entries(options)
    first, task = entries[0], entries[0].task
    control = options.control and _draws(first.actor)
    if control:
        entries.append(_entry(again(first.arm), options))
    elif options.control:
        yield _SAME.format(name=first.arm.name)
    folder = None if options.out is None else Path(options.out)
    journals = [_journal(entry, options, folder) for entry in entries]
    played: list[_Played] = []
    for entry, journal in zip(entries, journals, strict=True):
        played.append((yield from _play(entry, journal, options)))
    differences = {each.name: _differences(played[0], each, task, options.seed) for each in played[1:]}
    title = f"{task.id}, protocol {task.protocol}, {counted(task.episodes, 'matched start')}"
    yield _scores(played, title)
    yield difference_table(differences, first.arm.name)
    yield from verdicts(differences, first.arm.name, control=control)
    if folder is not None:
        yield from _files(folder, options, played, journals, differences, title)


def _entries(options: CompareOptions) -> list[_Entry]:
    entries = [_entry(arm, options) for arm in arms(options)]
    for entry in entries[1:]:
        if entry.task.id != entries[0].task.id:
            raise UserError(
                f"policies are compared in one environment, got {entries[0].task.id} for {entries[0].arm.name} and "
                f"{entry.task.id} for {entry.arm.name}"
            )
    return entries


def _entry(arm: Arm, options: CompareOptions) -> _Entry:
    model = becalm.model.load(arm.options.checkpoint, options.device)
    actor = actor_for(model, arm.options)
    return _Entry(arm, model, actor, task_for(actor, arm.options))


def _draws(actor: Policy) -> bool:
    """Whether what a policy does depends on its noise."""
    window = np.repeat(np.asarray(example(actor))[None, None], actor.domain.history, axis=1)
    one, other = (actor.plan(window, numbers=[number]) for number in (0, 1))
    return actor.execution.warm is not None or not np.array_equal(one, other)


def _journal(entry: _Entry, options: CompareOptions, folder: Path | None) -> Journal:
    mine = None if folder is None else folder / entry.arm.folder
    settings = {**settings_for(entry.arm.options, entry.model, entry.task), "starts_seed": options.seed}
    # A comparison may go on with one policy more.
    begun = mine is None or entry.arm.folder == FIRST or (mine / "settings.json").exists()
    return Journal(mine, settings, resume=options.resume and begun)


def _play(entry: _Entry, journal: Journal, options: CompareOptions) -> Generator[Report, None, _Played]:
    task, name = entry.task, entry.arm.name
    done = {rollout.outcome.episode for rollout in journal.rollouts}
    numbers = range(options.first, options.first + task.episodes)
    starts = [start(task.protocol, number, options.seed) for number in numbers if number not in done]
    latency = measure(entry.actor, example(entry.actor))
    parallel, workers = options.parallel, options.workers
    for tick in play(task.make, entry.actor, starts, limit=task.limit, parallel=parallel, workers=workers):
        for rollout in tick.finished:
            journal.add(rollout)
        yield Progress(len(journal.rollouts), task.episodes, f"{name}: {tick.live} at step {tick.step}")
    outcomes = {rollout.outcome.episode: rollout.outcome for rollout in journal.rollouts}
    return _Played(entry, [outcomes[number] for number in numbers], latency)


def _differences(first: _Played, other: _Played, task: Task, seed: int) -> list[Difference]:
    """By the measures of the environment, that by which it is judged first."""
    found = [
        values(name, _column(first, name), _column(other, name), seed)
        for name in sorted(("best", "total"), key=lambda name: name != task.score)
    ]
    before, after = ([outcome.success for outcome in each.outcomes] for each in (first, other))
    if None not in (*before, *after):
        found.insert(0, successes([bool(each) for each in before], [bool(each) for each in after]))
    return found


def _column(played: _Played, name: str) -> list[float]:
    return [float(getattr(outcome, name)) for outcome in played.outcomes]


def _scores(played: Sequence[_Played], title: str) -> Table:
    rows = []
    for each in played:
        summary = summarise(each.outcomes, each.entry.arm.options.seed)
        success = None if summary.success is None else str(summary.success)
        figures = (success, str(summary.best), str(summary.total), summary.steps)
        rows.append((each.name, *figures, each.latency.calls, each.latency.chunk[0]))
    columns = ("policy", "success rate", "mean max reward", "mean return", "length", "calls per chunk", "chunk p50 ms")
    return Table(columns, tuple(rows), title)


def _files(
    folder: Path,
    options: CompareOptions,
    played: Sequence[_Played],
    journals: Sequence[Journal],
    differences: Mapping[str, Sequence[Difference]],
    title: str,
) -> Iterator[Report]:
    from becalm_policies.views.paired_plot import plot_pairs

    def made(name: str) -> Record:
        return record("policies compare", options, output=f"out/{name}")

    for each, journal in zip(played, journals, strict=True):
        journal.stamp(partial(_record_below, made, each.entry.arm.folder))
    score = played[0].entry.task.score
    shown = {each.name: _column(each, score) for each in played}
    write(folder / "plot.png", plot_pairs(shown, differences, score, title).content, made("plot.png"))
    yield f"{folder}: plot.png, and the episodes in {', '.join(each.entry.arm.folder for each in played)}"


def _record_below(made: Callable[[str], Record], folder: str, name: str) -> Record:
    return made(f"{folder}/{name}")
