"""``becalm policies compare``: is one policy better than another, on the same starts under the same noise?"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from becalm_policies.environments.perturbations import draws
from becalm_policies.options import CompareOptions
from becalm_policies.rollouts.estimates import Outcome, summarise
from becalm_policies.rollouts.journal import Journal
from becalm_policies.rollouts.paired import Array, Difference, successes, values
from becalm_policies.rollouts.protocol import start
from becalm_policies.rollouts.rollout import play
from becalm_policies.rollouts.verdict import difference_table, verdicts
from becalm_policies.verbs.arms import FIRST, Arm, again, arms
from becalm_policies.verbs.evaluate import Task, actor_for, example, settings_for, task_for

_SAME = (
    "{name} draws no noise: another seed changes nothing, so it has no control, and one episode of each start; with "
    "--perturb noise=0.001 they differ"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A policy that is compared: its arm, itself, where it acts, and its latency."""

    arm: Arm
    model: Model[Any]
    actor: Policy
    task: Task


@dataclass(frozen=True, slots=True)
class _Played:
    """A policy's episodes: for each repeat, those of all starts in their order."""

    entry: _Entry
    outcomes: Sequence[Sequence[Outcome]]
    latency: Latency

    @property
    def name(self) -> str:
        """How tables call it."""
        return self.entry.arm.name

    def times(self, repeats: int) -> "_Played":
        """Its first repeats; one that draws no noise would do the same again."""
        return replace(self, outcomes=[self.outcomes[min(number, len(self.outcomes) - 1)] for number in range(repeats)])

    def only(self, repeat: int) -> "_Played":
        """Its episodes of one repeat alone."""
        return replace(self, outcomes=self.outcomes[repeat : repeat + 1])


def run(options: CompareOptions) -> Iterator[Report]:
    """Plays the episodes that are left, then reports each policy, each difference, and what follows from it.

    Raises:
        UserError: If there are fewer than two policies, or they, the environment and the protocol do not fit together.
    """
    entries = _entries(options)
    first, task = entries[0], entries[0].task
    drawn = [_draws(entry) for entry in entries]
    control, repeats = options.control and drawn[0], options.repeats if any(drawn) else 1
    if not drawn[0] and (options.control or repeats < options.repeats):
        yield _SAME.format(name=first.arm.name)
    folder = None if options.out is None else Path(options.out)
    counts = [repeats if each else 1 for each in drawn]
    counts[0] = max(counts[0], 1 + control)
    journals = [
        [_journal(_again(entry, repeat), options, folder) for repeat in range(count)]
        for entry, count in zip(entries, counts, strict=True)
    ]
    played: list[_Played] = []
    for entry, mine in zip(entries, journals, strict=True):
        played.append((yield from _play(entry, mine, options)))
    judged = [each.times(repeats) for each in played]
    differences = {each.name: _differences(judged[0], each, options.seed) for each in judged[1:]}
    if control:
        again = _differences(played[0].only(0), played[0].only(1), options.seed)
        differences[f"{first.arm.name} again"] = again
    title = f"{task.place}, {counted(task.episodes, 'matched start')}"
    title += f", {repeats} episodes of each" if repeats > 1 else ""
    yield _scores(judged, title)
    yield difference_table(differences, first.arm.name)
    yield from verdicts(differences, first.arm.name, control=control)
    if folder is not None:
        yield from _files(folder, options, journals, _shown(judged, played[0] if control else None), differences, title)


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


def _again(entry: _Entry, repeat: int) -> _Entry:
    """A policy with the noise of a later seed."""
    if not repeat:
        return entry
    arm = again(entry.arm, repeat)
    actor = actor_for(entry.model, arm.options)
    return _Entry(arm, entry.model, actor, task_for(actor, arm.options))


def _draws(entry: _Entry) -> bool:
    """Whether a policy's episodes depend on its seed."""
    actor, seen, acted = entry.actor.alone(), example(entry.actor), list[Any]()
    for number in (0, 1):
        actor.reset(numbers=[number])
        # Two chunks: a warm start draws noise from the second on.
        acted.append(np.stack([actor.act(seen) for _ in range(2 * actor.execute)]))
    return draws(entry.task.perturb) or not np.array_equal(*acted)


def _journal(entry: _Entry, options: CompareOptions, folder: Path | None) -> tuple[_Entry, Journal]:
    mine = None if folder is None else folder / entry.arm.folder
    settings = {**settings_for(entry.arm.options, entry.model, entry.task), "starts_seed": options.seed}
    # A comparison may go on with one policy more, or with more repeats.
    begun = mine is None or entry.arm.folder == FIRST or (mine / "settings.json").exists()
    return entry, Journal(mine, settings, resume=options.resume and begun)


def _play(
    entry: _Entry, repeats: Sequence[tuple[_Entry, Journal]], options: CompareOptions
) -> Generator[Report, None, _Played]:
    latency = measure(entry.actor, example(entry.actor))
    numbers = range(options.first, options.first + entry.task.episodes)
    parallel, workers, total = options.parallel, options.workers, len(numbers) * len(repeats)
    outcomes: list[list[Outcome]] = []
    for mine, journal in repeats:
        done = {rollout.outcome.episode for rollout in journal.rollouts}
        starts = [start(mine.task.protocol, number, options.seed) for number in numbers if number not in done]
        task, before = mine.task, len(outcomes) * len(numbers)
        for tick in play(task.make, mine.actor, starts, limit=task.limit, parallel=parallel, workers=workers):
            for rollout in tick.finished:
                journal.add(rollout)
            text = f"{mine.arm.name}: {tick.live} at step {tick.step}"
            yield Progress(before + len(journal.rollouts), total, text)
        found = {rollout.outcome.episode: rollout.outcome for rollout in journal.rollouts}
        outcomes.append([found[number] for number in numbers])
    return _Played(entry, outcomes, latency)


def _differences(first: _Played, other: _Played, seed: int) -> list[Difference]:
    """By the measures of the environment, that by which it is judged first."""
    score = first.entry.task.score
    found = [
        values(name, _column(first, name), _column(other, name), seed)
        for name in sorted(("best", "total"), key=lambda name: name != score)
    ]
    before, after = _column(first, "success"), _column(other, "success")
    if not np.isnan(before).any() and not np.isnan(after).any():
        found.insert(0, successes(before, after))
    return found


def _column(played: _Played, name: str) -> Array:
    """(repeats, starts) of a measure; NaN where the environment knows no success."""
    rows = [[getattr(outcome, name) for outcome in repeat] for repeat in played.outcomes]
    return np.array(rows, np.float64)


def _scores(played: Sequence[_Played], title: str) -> Table:
    rows = []
    for each in played:
        summary = summarise([outcome for repeat in each.outcomes for outcome in repeat], each.entry.arm.options.seed)
        success = None if summary.success is None else str(summary.success)
        figures = (success, str(summary.best), str(summary.total), summary.steps)
        rows.append((each.name, *figures, each.latency.calls, each.latency.chunk[0]))
    columns = ("policy", "success rate", "mean max reward", "mean return", "length", "calls per chunk", "chunk p50 ms")
    return Table(columns, tuple(rows), title)


def _shown(judged: Sequence[_Played], control: _Played | None) -> dict[str, Array]:
    """Each policy's score by start, the mean of its repeats; of the control's, that of its second episodes."""
    score = judged[0].entry.task.score
    shown = {each.name: _column(each, score).mean(0) for each in judged}
    return shown if control is None else {**shown, f"{control.name} again": _column(control, score)[1]}


def _files(
    folder: Path,
    options: CompareOptions,
    journals: Sequence[Sequence[tuple[_Entry, Journal]]],
    shown: Mapping[str, Array],
    differences: Mapping[str, Sequence[Difference]],
    title: str,
) -> Iterator[Report]:
    from becalm_policies.views.paired_plot import plot_pairs

    def made(name: str) -> Record:
        return record("policies compare", options, output=f"out/{name}")

    all_repeats = [pair for repeats in journals for pair in repeats]
    for entry, journal in all_repeats:
        journal.stamp(partial(_record_below, made, entry.arm.folder))
    score = all_repeats[0][0].task.score
    write(folder / "plot.png", plot_pairs(shown, differences, score, title).content, made("plot.png"))
    yield f"{folder}: plot.png, and the episodes in {', '.join(entry.arm.folder for entry, _ in all_repeats)}"


def _record_below(made: Callable[[str], Record], folder: str, name: str) -> Record:
    return made(f"{folder}/{name}")
