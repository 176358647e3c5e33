"""``becalm policies baselines``: what diffusion buys over regression, in one table, on one task."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm import provenance
from becalm.errors import unknown
from becalm.files import atomic
from becalm.model import Model
from becalm.plugin.report import Progress, Table
from becalm_policies.baselines import METHODS, train_method
from becalm_policies.control.policy import policy
from becalm_policies.demonstrations.demonstrators import Factory, demonstrator, names
from becalm_policies.domain import Policies
from becalm_policies.environments.make import make
from becalm_policies.environments.own import id_of
from becalm_policies.options import BaselinesOptions, RecordOptions
from becalm_policies.rollouts.estimates import Summary, summarise
from becalm_policies.rollouts.protocol import start
from becalm_policies.rollouts.rollout import Actor, Rollout, play
from becalm_policies.verbs import record
from becalm_policies.views.action_plot import Panel, plot_actions

_FIRST = 1_000_000
"""Number of the first start: far from those of demonstrations."""


def run(options: BaselinesOptions) -> Iterator[str | Progress | Table]:
    """Trains each method on the same demonstrations, rolls it out, and prints the table.

    Raises:
        UserError: If a method is unknown, the demonstrations do not do, or the picture cannot be written.
    """
    for name in options.methods:
        if name not in METHODS:
            raise unknown("method", name, METHODS)
    if options.out is not None:
        atomic.check(Path(options.out), (".png",))
    with tempfile.TemporaryDirectory() as folder:
        data = options.data
        if data is None:
            data = str(Path(folder) / "demonstrations.npz")
            yield from _record(options, data)
        yield from _judge(options, _domain(options, data))


def _judge(options: BaselinesOptions, domain: Policies) -> Iterator[str | Progress | Table]:
    summaries: dict[str, tuple[int, Summary]] = {}
    panels: list[Panel] = []
    starts = [start("gym", number, _FIRST) for number in range(options.episodes)]
    for actor in _actors(options, domain):
        if isinstance(actor, Progress):
            yield actor
            continue
        name, method, calls = actor
        rollouts: list[Rollout] = []
        for tick in play(partial(make, options.env, imports=True), method, starts, parallel=options.parallel):
            rollouts += tick.finished
            yield Progress(len(rollouts), options.episodes, f"rolling out {name}")
        summaries[name] = (calls, summarise([rollout.outcome for rollout in rollouts]))
        panels.append(Panel(name, rollouts))
    yield _table(domain.environment, options, summaries)
    if options.out is not None:
        made = provenance.record("policies baselines", options)
        provenance.write(Path(options.out), plot_actions(domain.scene(), panels).content, made)
        yield options.out


class DemonstratorActor:
    """A demonstrator as an actor."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def reset(self, *, numbers: Any) -> None:
        """Takes new demonstrators for episodes of these numbers."""
        self._players = [(self._factory(int(number)), np.random.default_rng(int(number))) for number in numbers]

    def act(self, observation: npt.ArrayLike) -> npt.ArrayLike:
        """What each demonstrator does."""
        rows = np.asarray(observation, np.float64)
        return np.stack([play(row, rng) for row, (play, rng) in zip(rows, self._players, strict=True)])


def _record(options: BaselinesOptions, path: str) -> Iterator[Progress]:
    who = names(id_of(options.env))[0]
    asked = RecordOptions(
        env=options.env, demonstrator=who, episodes=options.demonstrations, out=path, seed=options.seed
    )
    for report in record.run(asked):
        if isinstance(report, Progress):
            yield report


def _domain(options: BaselinesOptions, data: str) -> Policies:
    once = make(options.env, imports=True)
    single = getattr(once.spec, "max_episode_steps", None) == 1
    once.close()
    chunks = {"history": 1, "horizon": 1, "execute": 1} if single else {"horizon": 16, "execute": 8}
    settings: dict[str, Any] = {
        "data": data,
        "environment": options.env,
        "architecture": options.architecture,
        # All demonstrations, and chunks as the methods' papers have them.
        "holdout": 0,
        "reference": "none",
        **chunks,
    }
    return Policies.model_validate(settings).fit()


def _actors(options: BaselinesOptions, domain: Policies) -> Iterator[Progress | tuple[str, Actor, int]]:
    """Each method's name, its policy and its network calls per chunk; the demonstrator first."""
    env = make(options.env, imports=True)
    who = names(id_of(options.env))[0]
    if who != "random":
        yield f"demonstrator ({who})", DemonstratorActor(demonstrator(env, who)), 0
    env.close()
    models: dict[str, Model[Any]] = {}
    for name in options.methods:
        method = METHODS[name]
        if method.training not in models:
            for report in train_method(domain, method, steps=options.steps, minutes=options.minutes, seed=options.seed):
                if isinstance(report, Progress):
                    yield report
                else:
                    models[method.training] = report
        actor = policy(models[method.training], seed=options.seed, **method.fields)
        yield name, actor, actor.request.updates * actor.planner.candidates


def _table(environment: str, options: BaselinesOptions, summaries: dict[str, tuple[int, Summary]]) -> Table:
    words = sorted({word for _, summary in summaries.values() for word in summary.notes})
    words = [word for word in words if not word.endswith(" none")]
    first = next(iter(summaries.values()))[1]
    choices = [word for word in words if " " in word]
    rows = []
    for name, (calls, summary) in summaries.items():
        shares = [_value(summary, word) for word in words]
        off = max((abs(_value(summary, word) / _value(first, word) - 1) for word in choices), default=None)
        success = None if summary.success is None else str(summary.success)
        rows.append((name, calls, success, str(summary.total), *(round(share, 4) for share in shares), off))
    columns = ("method", "calls per chunk", "success", "return", *words, "worst share off by")
    demos = options.data or f"{options.demonstrations} demonstrations"
    lengths = [] if options.steps is None else [f"{options.steps} training steps"]
    lengths += [] if options.minutes is None else [f"{options.minutes:g} minutes of training"]
    training = f"{options.architecture}, {' or '.join(lengths)} on {demos}"
    title = f"{environment}, {options.episodes} episodes; {training}; seed {options.seed}"
    return Table(columns, tuple(rows), title)


def _value(summary: Summary, word: str) -> float:
    return summary.notes[word].value if word in summary.notes else 0.0
