"""``becalm policies evaluate``: a policy's rollouts, judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from becalm_policies.control.execution import Execution
from becalm_policies.control.latency import Latency, Timed, measure
from becalm_policies.control.policy import Policy, policy
from becalm_policies.environments.known import PLANES, PUSHT, measured
from becalm_policies.environments.make import make
from becalm_policies.environments.own import id_of
from becalm_policies.environments.perturbations import perturb
from becalm_policies.forecast import file as forecasts
from becalm_policies.options import EvaluateOptions
from becalm_policies.request import PolicyRequest
from becalm_policies.rollouts.estimates import Estimate, Summary, percentiles, share, summarise
from becalm_policies.rollouts.protocol import protocol_for, rules, start
from becalm_policies.rollouts.rollout import Rollout
from becalm_policies.rollouts.seams import Jerk, jerk
from becalm_policies.verbs.errors import report

_ELSEWHERE = {
    "env", "out", "video", "resume", "device", "parallel", "workers", "checkpoint", "first", "episodes", "protocol"
}  # fmt: skip
"""Options that do not change an episode, or stand in the settings of an evaluation under what they came to."""


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to do.

    Attributes:
        id: The environment. make: Makes one, with ``render=True`` one that draws.
        limit: Steps of an episode, beside the environment's own.
        threshold: Return from which an episode is said to solve the environment, or None.
        actions: The action space. rate: Pictures per second. perturb: What was changed about the environment.
    """

    id: str
    make: Callable[..., Any]
    protocol: str
    episodes: int
    limit: int | None
    threshold: float | None
    actions: Any
    rate: float
    perturb: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where and how, for titles."""
        perturbed = f", perturbed: {', '.join(self.perturb)}" if self.perturb else ""
        return f"{self.id}, protocol {self.protocol}{perturbed}"

    @property
    def score(self) -> str:
        """``best``, the largest reward, by which Push-T is judged, or ``total``, the return."""
        return "best" if self.id == PUSHT else "total"


def run(options: EvaluateOptions) -> Iterator[Report]:
    """Plays the episodes that are left and reports; ``out`` gets what ``rollouts.journal`` says, ``plot.png``, and
    ``best``, ``median`` and ``worst`` as animations.

    Raises:
        UserError: If the policy, the environment and the protocol do not fit together.
    """
    model = becalm.model.load(options.checkpoint, options.device)
    actor = actor_for(model, options)
    if options.data is not None:
        yield from report(model, actor.request, options.data, options.seed)
        return
    task = task_for(actor, options)
    from becalm_policies.rollouts.journal import Journal
    from becalm_policies.rollouts.rollout import play

    folder = None if options.out is None else Path(options.out)
    journal = Journal(folder, settings_for(options, model, task), resume=options.resume)
    done = {rollout.outcome.episode for rollout in journal.rollouts}
    numbers = range(options.first, options.first + task.episodes)
    starts = [start(task.protocol, number, options.seed) for number in numbers if number not in done]
    latency = measure(actor, example(actor))
    timed = Timed(actor)
    for tick in play(task.make, timed, starts, limit=task.limit, parallel=options.parallel, workers=options.workers):
        for rollout in tick.finished:
            journal.add(rollout)
        yield Progress(len(journal.rollouts), task.episodes, f"{tick.live} at step {tick.step}")
    rollouts = sorted(journal.rollouts, key=lambda rollout: rollout.outcome.episode)
    summary = summarise([rollout.outcome for rollout in rollouts], options.seed)
    yield _scores(task, summary, [rollout.outcome.total for rollout in rollouts], _jerk(actor, rollouts))
    yield _costs(latency, timed, min(options.workers or options.parallel, max(len(starts), 1)))
    if folder is not None:

        def made(name: str) -> Record:
            return record("policies evaluate", options, model=model, output=f"out/{name}")

        journal.stamp(made)
        yield from _pictures(folder, options, actor, task, rollouts, summary, made)


def actor_for(model: Model[Any], options: EvaluateOptions) -> Policy:
    """The policy of a model as an evaluation asks for it."""
    if options.choose == "best":
        raise UserError(
            "choose best needs a score, a Python function: becalm_policies.load(..., choose='best', score=...)"
        )
    fields = {*PolicyRequest.model_fields, *Execution.model_fields} & EvaluateOptions.model_fields.keys() - {"first"}
    given = {name: getattr(options, name) for name in fields if getattr(options, name) is not None}
    return policy(model, **given)


def task_for(actor: Policy, options: EvaluateOptions) -> Task:
    """The environment of an evaluation, checked against the policy.

    Raises:
        UserError: If the two and the protocol do not fit together.
    """
    domain = actor.domain
    asked = options.env or domain.environment
    if not asked:
        raise UserError(f"{options.checkpoint} does not say which environment it is for: name one with --env")
    # A checkpoint's environment is looked up by name only; a module is imported for whoever typed it.
    typed, keys = options.env is not None, domain.observe.keys
    maker = partial(make, asked, imports=typed, keys=keys, cameras=domain.sizes)
    id = id_of(asked)
    if domain.environment not in ("", id):
        raise UserError(f"{options.checkpoint} is a policy for {domain.environment}, not for {id}")
    protocol = options.protocol or protocol_for(id)
    numbers = rules(protocol, id)
    env = maker()
    try:
        observed = env.observation_space["state"] if domain.sizes else env.observation_space
        sizes = (observed.shape[0], env.action_space.shape[0])
        mine = (domain.observation_size, domain.action_size)
        if sizes != mine:
            raise UserError(
                f"{options.checkpoint} has observations of {mine[0]} and actions of {mine[1]} entries, "
                f"environment {id} has {sizes[0]} and {sizes[1]}"
            )
        limit = options.limit or numbers.limit
        if limit is None and env.spec.max_episode_steps is None:
            raise UserError(f"environment {id} sets no limit to an episode: set one with --limit")
        rate = float(env.metadata.get("render_fps") or 30)
        episodes = options.episodes or numbers.episodes
        made = perturb(maker, options.perturb, id, _ranges(actor), options.seed)
        words = options.perturb
        return Task(id, made, protocol, episodes, limit, env.spec.reward_threshold, env.action_space, rate, words)
    finally:
        env.close()


def _ranges(actor: Policy) -> Any:
    """(D,) the range of each observed entry in training, which noise is a share of."""
    statistics = actor.domain.statistics
    if statistics is None:
        return np.ones(actor.domain.observation_size)
    return np.subtract(statistics.observation_high, statistics.observation_low)


def settings_for(options: EvaluateOptions, model: Model[Any], task: Task) -> Mapping[str, Any]:
    """What the episodes depend on."""
    came_to = {"checkpoint": model.digest, "env": task.id, "protocol": task.protocol, "limit": task.limit}
    if options.forecast is not None:
        came_to["forecast"] = forecasts.digest(options.forecast)
    asked = options.model_dump(mode="json", exclude=_ELSEWHERE)
    # Evaluations from before there were these go on without them.
    nothing = {"perturb": [], "delay": 0, "skip": None, "join": None, "blend": 0.0, "fade": None, "forecast": None}
    return {**{name: value for name, value in asked.items() if nothing.get(name, ...) != value}, **came_to}


def example(actor: Policy) -> Any:
    """An observation that the policy was trained on, by which its latency is measured."""
    statistics = actor.domain.statistics
    if statistics is None or not statistics.examples:
        return np.zeros(actor.domain.observation_size)
    vector, pictures = np.array(statistics.examples[0][-1]), actor.domain.example_pictures(0, 1)
    return {"state": vector, **{name: each[0, -1] for name, each in pictures.items()}} if pictures else vector


def _jerk(actor: Policy, rollouts: Sequence[Rollout]) -> Jerk | None:
    """How smoothly chunks go over into each other; an ensemble has no seams."""
    if actor.execution.ensemble is not None:
        return None
    actions = [rollout.actions for rollout in rollouts]
    timing = actor.timing
    return jerk(actions, execute=timing.execute, delay=timing.delay, second=timing.second)


def _scores(task: Task, summary: Summary, totals: Sequence[float], smooth: Jerk | None) -> Table:
    """The figures with their intervals, and beside them what others reach."""
    others = measured(task.id)
    rows: list[tuple[Any, ...]] = []

    def add(name: str, figure: Estimate, *known: float | None) -> None:
        rows.append((name, figure.value, figure.low, figure.high, *(known or [None] * len(others))))

    add("mean max reward", summary.best, *(anchor.reward for anchor in others))
    if summary.success is not None:
        add("success rate", summary.success, *(anchor.success for anchor in others))
    elif task.threshold is not None:
        solved = sum(total >= task.threshold for total in totals)
        add(f"share with return >= {task.threshold:g}", share(solved, len(totals)))
    add("mean return", summary.total, *(anchor.gain for anchor in others))
    for name, figure in summary.notes.items():
        add(f"share {name}", figure)
    rows.append(("mean length, steps", summary.steps, *[None] * (2 + len(others))))
    if smooth is not None:
        rows.append(("jerk at seams, times that within chunks", smooth.ratio, *[None] * (2 + len(others))))
    title = f"{task.place}, {counted(len(totals), 'episode')}"
    players = (anchor.player for anchor in others)
    return Table(("figure", "policy", "95 % from", "to", *players), tuple(rows), title)


def _costs(latency: Latency, timed: Timed, batch: int) -> Table:
    rows: list[tuple[Any, ...]] = [
        ("per chunk, one environment", *latency.chunk),
        ("per control step, one environment", *latency.step),
    ]
    if timed.seconds and batch > 1:
        rows.append((f"per control step, {batch} environments", *percentiles(timed.seconds)))
    return Table(("latency", "p50 ms", "p95 ms"), tuple(rows), f"{latency.calls:g} network calls per chunk")


def _pictures(
    folder: Path,
    options: EvaluateOptions,
    actor: Policy,
    task: Task,
    rollouts: list[Any],
    summary: Summary,
    made: Callable[[str], Record],
) -> Iterator[Report]:
    from becalm_policies.views import animation
    from becalm_policies.views.score_plot import plot_scores

    figure = summary.best if task.score == "best" else summary.total
    title = f"{Path(options.checkpoint).stem} in {task.place}, {counted(len(rollouts), 'episode')}"
    write(folder / "plot.png", plot_scores(rollouts, task.score, figure, title).content, made("plot.png"))
    if options.video != "none":
        ranked = sorted(rollouts, key=lambda rollout: float(getattr(rollout.outcome, task.score)))
        selected = {"best": ranked[-1], "median": ranked[len(ranked) // 2], "worst": ranked[0]}
        for number, (name, rollout) in enumerate(selected.items()):
            yield Progress(number, len(selected), f"animation of the {name} episode")
            env = task.make(render=True)
            try:
                shown = animation.replay(env, rollout)
                frames = _frames(actor, task, rollout, shown) if task.id in PLANES else (frame for frame, _ in shown)
                film = f"{name}.{options.video}"
                legend = animation.legend_of(task.id) if task.id in PLANES else ()
                animation.write(folder / film, list(frames), task.rate, options.video, legend=legend, made=made(film))
            finally:
                env.close()
    yield f"{folder}: episodes.csv, plot.png" + (
        "" if options.video == "none" else f", best, median, worst .{options.video}"
    )


def _frames(actor: Policy, task: Task, rollout: Any, shown: Iterator[Any]) -> Iterator[Any]:
    from becalm_policies.views import animation

    numbers = rollout.outcome.episode + np.arange(animation.PLANS)
    return animation.with_plans(
        shown,
        lambda seen, chunk: actor.plans(seen, numbers=numbers, chunk=chunk),
        history=actor.domain.history,
        execute=actor.execute,
        box=task.actions,
        down=PLANES[task.id],
    )
