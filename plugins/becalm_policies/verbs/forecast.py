"""``becalm policies forecast``: learns to foretell a policy's observations from its actions."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

import becalm.model
from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.report import Progress, Table, counted
from becalm.train.split import spread
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.prepare import prepare
from becalm_policies.domain import Policies
from becalm_policies.environments.known import observation_names
from becalm_policies.fitting import loaded
from becalm_policies.forecast.dynamics import Shape
from becalm_policies.forecast.errors import Error, errors
from becalm_policies.forecast.file import check_seen, checkpoint
from becalm_policies.forecast.training import train
from becalm_policies.options import ForecastOptions


def run(options: ForecastOptions) -> Iterator[str | Progress | Table]:
    """Trains, judges by what was left out, and writes.

    Raises:
        UserError: If the policy sees pictures, or the demonstrations are not of what it observes.
    """
    out = Path(options.out)
    atomic.check(out, (".safetensors",))
    domain = cast(Policies, becalm.model.load(options.checkpoint, "cpu").domain)
    if not isinstance(domain, Policies):
        raise UserError(f"{options.checkpoint} is a model of {domain.name}, not a policy")
    check_seen(domain)
    given = {} if options.data is None else {"data": options.data}
    episodes = loaded(domain.model_copy(update=given))
    _check(domain, episodes, options)
    kept = spread(len(episodes), options.holdout)
    learnt = episodes.take([number for number in range(len(episodes)) if number not in set(kept)])
    shape = Shape(
        environment=domain.environment,
        observe=domain.observe,
        goal=domain.goal,
        observation_size=domain.observation_size,
        action_size=domain.action_size,
        width=options.width,
        layers=options.layers,
    )
    preparations = domain.prepare if options.data is None else ()
    low, high = (None if end is None else np.array(end) for end in (domain.action_low, domain.action_high))
    forecast = yield from train(
        shape,
        prepare(learnt, preparations, domain.goal),
        steps=options.steps,
        seed=options.seed,
        low=low,
        high=high,
    )
    if kept:
        yield _table(errors(forecast, episodes.take(kept)), domain, len(kept))
    checkpoint(forecast).write(out)
    yield f"{out}: {options.steps} steps on {counted(len(learnt), 'demonstration')}"
    yield f"becalm policies evaluate {options.checkpoint} --delay 4 --forecast {out}"


def _check(domain: Policies, episodes: Episodes, options: ForecastOptions) -> None:
    """Refuses demonstrations of something else."""
    sizes = (episodes.observations.shape[1], episodes.actions.shape[1])
    mine = (domain.observation_size, domain.action_size)
    if sizes != mine:
        raise UserError(
            f"{options.checkpoint} has observations of {mine[0]} and actions of {mine[1]} entries, the demonstrations "
            f"have {sizes[0]} and {sizes[1]}"
        )


def _table(found: list[Error], domain: Policies, count: int) -> Table:
    """Errors by entry of the observation, and beside them how far it moves."""
    size = domain.observation_size
    names = observation_names(domain.environment, size) or [f"entry {number}" for number in range(size)]
    rows = [
        (name, *(_round(value[entry]) for each in found for value in (each.foretold, each.still)))
        for entry, name in enumerate(names)
    ]
    columns = [
        column
        for each in found
        for column in (f"{counted(each.steps, 'step')} ahead", f"change in {counted(each.steps, 'step')}")
    ]
    title = f"mean absolute errors, {counted(count, 'demonstration')} left out"
    return Table(("observed", *columns), tuple(rows), title)


def _round(value: float) -> float:
    """To three digits."""
    return float(f"{value:.3g}")
