"""Temporal ensembling: a chunk is planned at every step, and what the chunks so far say of now is averaged.

Weights are exp(-m i), i = 0 the oldest (Zhao et al. 2023b). Under a delay the newest chunks do not count yet.
"""

import numpy as np

from becalm_policies.control.given import Mask
from becalm_policies.control.tracks.plan import Actions, Ask, Clip
from becalm_policies.control.tracks.timing import Timing
from becalm_policies.demonstrations.episodes import Indices


class Ensemble:
    """The chunks of the last steps.

    Args:
        count: B. size: A.
        clip: Actions as the environment takes them.
        rate: m.
    """

    def __init__(self, count: int, size: int, timing: Timing, clip: Clip, *, rate: float) -> None:
        self._timing, self._clip, self._rate = timing, clip, rate
        # Entry [b, age] is the chunk planned ``age`` steps ago, from its present on.
        self._plans = np.zeros((count, timing.ahead, timing.ahead, size), np.float32)
        self._known = np.zeros(count, np.int64)

    def forget(self, mask: Mask) -> None:
        """Those environments have no chunks."""
        self._known[mask] = 0

    def act(self, live: Mask | None, ask: Ask, age: int = 0) -> tuple[Actions, Indices]:
        """The mean actions, (B, A), and for which environments a chunk was planned; nothing changes if it fails.

        Args:
            live: (B,) the environments that act; default: all.
            age: Steps since the observations were made; a chunk's actions before now are left out.
        """
        rows = np.arange(len(self._known)) if live is None else np.flatnonzero(live)
        if len(rows):
            chunks = self._clip(ask(rows, None).result()[:, self._timing.first + age :].numpy())
            chunks = np.concatenate([chunks, np.repeat(chunks[:, -1:], age, axis=1)], axis=1) if age else chunks
            self._plans[rows, 1:] = self._plans[rows, :-1]
            self._plans[rows, 0] = chunks
            self._known[rows] = np.minimum(self._known[rows] + 1, self._timing.ahead)
        return self._mean(), rows

    def _mean(self) -> Actions:
        age, oldest = np.arange(self._timing.ahead), self._known[:, None] - 1
        proposals = self._plans[:, age, age]
        order = oldest - age
        weight = np.where(order >= 0, np.exp(-self._rate * np.maximum(order, 0)), 0.0)
        # At the start of an episode the first chunk is waited for.
        weight *= age >= np.minimum(self._timing.delay, oldest)
        weight /= np.maximum(weight.sum(1, keepdims=True), np.finfo(np.float64).tiny)
        mean: Actions = (weight[..., None] * proposals).sum(1).astype(np.float32)
        return mean
