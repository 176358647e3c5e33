"""Observations foretold from actions: a linear step, and what a small network knows better.

    z        = (o[k], o[k] - o[k-1], a[k-1], a[k], 1)
    o[k + 1] = o[k] + W z + s net(f(o[k]), W z, o[k] - o[k-1])

f are the features that the policy sees. Two observations tell speeds; what moves linearly, as a servo does, W knows
exactly. Several steps are foretold one by one. Angles go the short way round.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from becalm.plugin.settings import Settings
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.observe import Observe
from becalm_policies.environments.pusht import GOAL, Pose
from becalm_policies.networks.layers import silence

SEEN = 2
"""Observations that a forecast begins from."""


class Shape(Settings):
    """What a forecast is of, and how large its network is."""

    environment: str = Field("", description="gymnasium id; empty if unknown.")
    observe: Observe = Field(description="What the network sees of an observation.")
    goal: Pose = Field(GOAL, description="Push-T's, for the features that look at it.")
    observation_size: int = Field(ge=1, le=1_000_000, description="D.")
    action_size: int = Field(ge=1, le=1_000_000, description="A.")
    width: int = Field(256, ge=1, le=8192, description="Of the hidden layers.")
    layers: int = Field(3, ge=1, le=64, description="Hidden layers.")

    @property
    def inputs(self) -> int:
        """Entries of what the network sees."""
        return self.observe.size(self.observation_size) + 2 * self.observation_size

    @property
    def linear(self) -> tuple[int, int]:
        """Rows and columns of W."""
        return 2 * (self.observation_size + self.action_size) + 1, self.observation_size


class Forecast(nn.Module):
    """Foretells observations.

    The scales are what training found: ``linear`` (Z, D) is W, ``middle`` and ``scale`` (F,) scale features, ``move``
    (D,) is the size of a step's change, ``rest`` (D,) that of what W does not know, ``centre`` (D,) is the middle of
    what was observed, about which angles lie.
    """

    linear: Tensor
    middle: Tensor
    scale: Tensor
    move: Tensor
    rest: Tensor
    centre: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        size, features = shape.observation_size, shape.observe.size(shape.observation_size)
        widths = [shape.inputs, *[shape.width] * shape.layers]
        hidden = [nn.Sequential(nn.Linear(a, b), nn.SiLU()) for a, b in pairwise(widths)]
        last = nn.Linear(shape.width, size)
        silence(last)  # It begins as the linear step.
        self.network = nn.Sequential(*hidden, last)
        for name, sizes in (("linear", shape.linear), ("middle", (features,)), ("centre", (size,))):
            self.register_buffer(name, torch.zeros(sizes, dtype=torch.float64))
        for name, count in (("scale", features), ("move", size), ("rest", size)):
            self.register_buffer(name, torch.ones(count, dtype=torch.float64))

    def forward(self, seen: Array, actions: Array) -> Array:
        """The next observations (B, d, D).

        Args:
            seen: (B, 2, D) the last two observations, oldest first.
            actions: (B, 1 + d, A) the action between these two, and those from now on.
        """
        before, now = seen[:, 0], seen[:, 1]
        found = []
        for step in range(1, actions.shape[1]):
            before, now = now, self.step(before, now, actions[:, step - 1], actions[:, step])
            found.append(now)
        return np.stack(found, axis=1) if found else np.zeros((len(seen), 0, seen.shape[2]))

    def step(self, before: Array, now: Array, acted: Array, action: Array) -> Array:
        """The observation after an action, (B, D), of two observations (B, D) and two actions (B, A)."""
        moved = self.turned(now - before)
        line = self.line(now, moved, acted, action)
        with torch.no_grad():
            known = self.network(torch.from_numpy(self.inputs(now, moved, line))).double().numpy()
        return self._about(now + line + known * self.rest.numpy())

    def line(self, now: Array, moved: Array, acted: Array, action: Array) -> Array:
        """(B, D) what the linear step adds."""
        added: Array = regressors(now, moved, acted, action) @ self.linear.numpy()[:-1] + self.linear.numpy()[-1]
        return added

    def inputs(self, now: Array, moved: Array, line: Array) -> np.ndarray:
        """(B, I) float32 what the network sees."""
        features = (self.shape.observe(now, self.shape.goal) - self.middle.numpy()) / self.scale.numpy()
        move = self.move.numpy()
        return np.concatenate([features, line / move, moved / move], axis=1).astype(np.float32)

    def turned(self, difference: Array) -> Array:
        """Differences of observations (..., D), angles the short way round."""
        angles = list(self.shape.observe.turning)
        if angles:
            difference = difference.copy()
            difference[..., angles] = _short(difference[..., angles])
        return difference

    def _about(self, observations: Array) -> Array:
        """Observations whose angles lie where they are observed."""
        centre = self.centre.numpy()
        return centre + self.turned(observations - centre)


def regressors(now: Array, moved: Array, acted: Array, action: Array) -> Array:
    """(B, Z - 1) what the linear step is of."""
    return np.concatenate([now, moved, acted, action], axis=1)


def _short(angle: Array) -> Array:
    short: Array = (angle + math.pi) % (2 * math.pi) - math.pi
    return short
