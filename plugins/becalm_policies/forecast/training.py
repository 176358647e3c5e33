"""Learns to foretell observations from demonstrations.

First from what was observed, one step ahead; then, in the last third, from what the network itself foretold up to
``REACH`` steps before, so that it learns to go on from its own errors (pushforward, Brandstetter et al. 2022; as there,
gradients go through the last step alone).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from becalm.errors import UserError
from becalm.plugin.report import Progress
from becalm_policies.demonstrations.episodes import Array, Episodes, Indices
from becalm_policies.forecast.dynamics import Forecast, Shape, regressors
from becalm_policies.offline.ridge import ridge

REACH = 8
BATCH = 256
RATE = 2e-3
_FLOOR = 1e-2
"""What is left of an entry counts from this share of its step's change on: what is linear needs no network."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps that have one before them and one after.

    Attributes:
        episodes: Whose they are. now: (S,) which. ahead: (S,) how many observations follow, at most ``REACH``.
        episode: (S,) of each.
    """

    episodes: Episodes
    now: Indices
    ahead: Indices
    episode: Indices

    @classmethod
    def of(cls, episodes: Episodes) -> "Steps":
        """Those of all episodes.

        Raises:
            UserError: If there are none.
        """
        spans = list(zip(episodes.starts, episodes.ends, strict=True))
        now = [np.arange(start + 1, end - 1) for start, end in spans]
        if not sum(map(len, now)):
            raise UserError("a forecast is learnt from three observations in a row, and no demonstration has them")
        ahead = [np.minimum(end - 1 - each, REACH) for (_, end), each in zip(spans, now, strict=True)]
        episode = np.repeat(np.arange(len(now)), [len(each) for each in now])
        return cls(episodes, np.concatenate(now), np.concatenate(ahead), episode)

    def at_least(self, ahead: int) -> Indices:
        """(S',) the steps after which so many observations follow."""
        return self.now[self.ahead >= ahead]

    def seen(self, now: Indices) -> Array:
        """(B, 2, D) the observations that steps are foretold from."""
        return np.stack([self.episodes.observations[now - 1], self.episodes.observations[now]], axis=1)

    def actions(self, now: Indices, steps: int) -> Array:
        """(B, 1 + steps, A) the actions from the one before on."""
        actions: Array = self.episodes.actions[now[:, None] + np.arange(-1, steps)]
        return actions


def train(
    shape: Shape, episodes: Episodes, *, steps: int, seed: int, low: Array | None = None, high: Array | None = None
) -> Generator[Progress, None, Forecast]:
    """A forecast of the environment of these episodes.

    Args:
        steps: Of the optimiser. seed: Of the weights and the order.
        low, high: (A,) ends to which the environment takes actions back.

    Raises:
        UserError: If no episode has three steps.
    """
    if low is not None and high is not None:
        # What was asked for beyond the bounds moved nothing.
        episodes = _clipped(episodes, low, high)
    data = Steps.of(episodes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        forecast = Forecast(shape)
    _scale(forecast, data)
    draw = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(forecast.network.parameters(), RATE, weight_decay=1e-4)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        depth = int(draw.integers(REACH)) if 3 * step >= 2 * steps else 0
        rows = data.at_least(depth + 1)
        if not len(rows):  # Short episodes.
            depth, rows = 0, data.now
        loss = _loss(forecast, data, draw.choice(rows, BATCH), depth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        if step % 100 == 0:
            yield Progress(step, steps, f"loss {float(loss.detach()):.3g}")
    return forecast.eval().requires_grad_(False)


def _loss(forecast: Forecast, data: Steps, now: Indices, depth: int) -> Tensor:
    """How far one step goes wrong from what was foretold ``depth`` steps before."""
    seen, actions = data.seen(now), data.actions(now, depth + 1)
    if depth:
        seen = np.concatenate([seen, forecast(seen, actions[:, :-1])], axis=1)[:, -2:]
    before, here = seen[:, 0], seen[:, 1]
    moved = forecast.turned(here - before)
    line = forecast.line(here, moved, actions[:, -2], actions[:, -1])
    rest = forecast.turned(data.episodes.observations[now + depth + 1] - here - line) / forecast.rest.numpy()
    known = forecast.network(torch.from_numpy(forecast.inputs(here, moved, line)))
    return F.huber_loss(known, torch.from_numpy(rest).float())


def _scale(forecast: Forecast, data: Steps) -> None:
    """The linear step and all scales, from the data."""
    seen, actions = data.seen(data.now), data.actions(data.now, 1)
    now, moved = seen[:, 1], forecast.turned(seen[:, 1] - seen[:, 0])
    step = forecast.turned(data.episodes.observations[data.now + 1] - now)
    found = ridge(regressors(now, moved, actions[:, 0], actions[:, 1]), step, data.episode)
    size = _positive(step.std(0))
    features = forecast.shape.observe(data.episodes.observations, forecast.shape.goal)
    low, high = features.min(0), features.max(0)
    scales = {
        "linear": found.weights,
        "middle": (low + high) / 2,
        "scale": _positive((high - low) / 2),
        "move": size,
        "rest": np.maximum((step - found.left_out).std(0), _FLOOR * size),
        "centre": (data.episodes.observations.min(0) + data.episodes.observations.max(0)) / 2,
    }
    for name, values in scales.items():
        getattr(forecast, name).copy_(torch.from_numpy(values))


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, 1.0)


def _clipped(episodes: Episodes, low: Array, high: Array) -> Episodes:
    return replace(episodes, actions=np.clip(episodes.actions, low, high))
