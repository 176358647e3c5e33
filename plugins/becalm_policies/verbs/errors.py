"""``becalm policies evaluate --data``: a policy's actions beside recorded ones, and how likely these are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from becalm.errors import UserError
from becalm.model import Model
from becalm.plugin.report import Report, Table, counted
from becalm_policies.demonstrations.episodes import Array, Indices
from becalm_policies.domain import Policies
from becalm_policies.fitting import Pairs, held_out, loaded, pairs
from becalm_policies.offline.examine import WINDOWS, Known, crossed, examine, known
from becalm_policies.offline.likelihood import chunk_nats
from becalm_policies.offline.ridge import Groups
from becalm_policies.offline.rivals import evenly
from becalm_policies.request import PolicyRequest
from becalm_policies.rollouts.estimates import mean


def report(model: Model[Any], request: PolicyRequest, data: str, seed: int) -> Iterator[Report]:
    """A table of errors, each with the interval that so many episodes allow.

    Raises:
        UserError: If the demonstrations do not fit the policy.
    """
    domain: Policies = model.domain  # type: ignore[assignment]
    told, found, about = _known(domain, data)
    low, high, cond = domain.action_low, domain.action_high, domain.conditions(found)

    def draw(windows: Indices) -> Array:
        asked = request.model_copy(update={"count": len(windows), "seed": seed})
        chunks: Array = model.sample(asked, cond=cond(torch.from_numpy(windows))).data.double().numpy()
        return domain.executed(chunks)

    each = examine(told, draw, low, high)
    for figure in ("action_error", "action_energy"):
        players = {"policy": figure, **{name: f"{figure}_{name}" for name in told.others}}
        by_episode = {name: _by_episode(each[key], told.groups) for name, key in players.items()}
        unit = float(by_episode["mean"].mean()) or 1.0
        rows = [(name, *_cells(values / unit, seed)) for name, values in by_episode.items()]
        title = f"{figure.replace('_', ' ')}: {counted(len(told.truth), 'window')} of {about}"
        yield Table(("player", "1 is the mean's", "95 % from", "to"), tuple(rows), title)
    if model.objective.posterior:
        yield _likelihood(model, told, found, about, seed)


def _likelihood(model: Model[Any], told: Known, found: Pairs, about: str, seed: int) -> Table:
    """How likely the chunks are, and how likely those of other windows would be in their place."""
    domain: Policies = model.domain  # type: ignore[assignment]
    some = evenly(len(told.windows), WINDOWS)
    windows, groups = told.windows[some], told.groups[some]
    chunks, cond = torch.from_numpy(found.chunks[windows]).float(), domain.conditions(found)
    # Half of the windows on: mostly of another episode, and elsewhere in it.
    own, other = (
        chunk_nats(model, chunks, cond(torch.from_numpy(seen)), seed=seed).numpy()
        for seen in (windows, np.roll(windows, len(windows) // 2))
    )
    rows = [
        (name, *_cells(_by_episode(values, groups), seed))
        for name, values in (("recorded", own), ("after another window", other), ("difference", own - other))
    ]
    title = f"log-likelihood, nats per entry: {counted(len(own), 'chunk')} of {about}"
    return Table(("chunk", "mean", "95 % from", "to"), tuple(rows), title)


def _known(domain: Policies, data: str) -> tuple[Known, Pairs, str]:
    """What is compared to, the windows that it is about, and in words what they are."""
    whole = Policies.model_validate({**domain.model_dump(), "data": data, "holdout": 0, "demonstrations": None})
    episodes = loaded(whole)
    sizes = episodes.observations.shape[1] - len(domain.hidden), episodes.actions.shape[1]
    if sizes != (domain.observation_size, domain.action_size):
        raise UserError(
            f"{data} has observations of {sizes[0]} and actions of {sizes[1]} entries, the policy of "
            f"{domain.observation_size} and {domain.action_size}"
        )
    count, low, high = len(episodes), domain.action_low, domain.action_high
    kept = held_out(domain, min(domain.demonstrations or count, count)) if data == domain.data else 0
    if kept:
        test = pairs(domain, "test")
        told = known(domain.compared(pairs(domain, "train")), domain.compared(test), low, high)
        return told, test, f"{counted(kept, 'demonstration')} kept out of its training"
    seen = ", which it was trained on" if data == domain.data else ""
    found = pairs(whole, "train")
    return crossed(domain.compared(found), low, high), found, f"{counted(count, 'demonstration')}{seen}"


def _by_episode(values: Array, groups: Groups) -> Array:
    """(E,) means: windows of one episode are no independent samples."""
    return np.array([values[groups == group].mean() for group in np.unique(groups)])


def _cells(values: Array, seed: int) -> tuple[float | None, ...]:
    """Mean and interval, which one episode alone does not give."""
    figure = mean(values, seed)
    ends = (None, None) if len(values) == 1 else (_short(figure.low), _short(figure.high))
    return _short(figure.value), *ends


def _short(value: float) -> float:
    return float(f"{value:.4g}")
