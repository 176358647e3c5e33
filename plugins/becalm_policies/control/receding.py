"""Receding horizon (Chi et al. 2023): of each chunk a part is executed, then the next one takes over.

The next chunk may be on its way while the last one is executed, see ``control.timing``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from becalm_policies.control.given import Mask
from becalm_policies.control.plan import Actions, Ask, Clip, Plan
from becalm_policies.control.planner import Previous
from becalm_policies.control.timing import Timing
from becalm_policies.demonstrations.episodes import Indices


@dataclass(frozen=True, slots=True, eq=False)
class _Coming:
    """Chunks on their way.

    Attributes:
        rows: (n,) the environments that wait for them. entries: (n,) which of the plan's chunks is whose.
        step: When their observations came.
    """

    rows: Indices
    entries: Indices
    step: int
    plan: Plan

    def only(self, kept: Mask) -> "_Coming":
        """Those of some of its environments, (n,)."""
        return _Coming(self.rows[kept], self.entries[kept], self.step, self.plan)


class Receding:
    """The chunk that each environment executes, and the one that it waits for.

    Args:
        count: B. size: A.
        clip: Actions as the environment takes them.
        remembers: Whether planning looks at the chunk before.
    """

    def __init__(self, count: int, size: int, timing: Timing, clip: Clip, *, remembers: bool) -> None:
        self._timing, self._clip, self._remembers = timing, clip, remembers
        self._rows = np.arange(count)
        self._actions = np.zeros((count, timing.ahead, size), np.float32)
        self._age = np.full(count, -1)  # Steps since the observation of the chunk in use; -1 where there is none.
        self._whole: Tensor | None = None
        self._coming: list[_Coming] = []
        self._step = 0

    def forget(self, mask: Mask) -> None:
        """Those environments have no chunk, and wait for none."""
        self._age[mask] = -1
        left = (each.only(~mask[each.rows]) for each in self._coming)
        self._coming = [each for each in left if len(each.rows)]

    def act(self, live: Mask | None, ask: Ask) -> tuple[Actions, Indices]:
        """The next actions, (B, A), and for which environments a chunk was planned.

        If planning fails, the same call again does what this one would have done.

        Args:
            live: (B,) the environments that act; default: all.
        """
        self._receive()
        planned = self._due(live)
        if len(planned):
            self._plan(planned, ask)
        actions: Actions = self._actions[self._rows, np.clip(self._age, 0, self._timing.ahead - 1)]
        self._age += self._age >= 0
        self._step += 1
        return actions, planned

    def _receive(self) -> None:
        """Takes what has come and may be used by now."""
        for each in self._coming.copy():
            age = self._step - each.step
            if age >= self._timing.delay and each.plan.done():
                self._coming.remove(each)  # Before its result, which is an error where planning failed.
                self._use(each, age)

    def _due(self, live: Mask | None) -> Indices:
        due = (self._age < 0) | (self._age >= self._timing.execute)
        if live is not None:
            due &= live
        for each in self._coming:
            due[each.rows] = False
        return np.flatnonzero(due)

    def _plan(self, rows: Indices, ask: Ask) -> None:
        """Has chunks planned; who has none waits for it."""
        age = self._age[rows]
        plan = ask(rows, self._previous(rows, age))
        coming = _Coming(rows, np.arange(len(rows)), self._step, plan)
        here = age < 0
        if here.any():
            plan.result()
        if not self._timing.delay and plan.done():
            here[:] = True
        if here.any():
            self._use(coming.only(here), 0)
        if not here.all():
            self._coming.append(coming.only(~here))

    def _use(self, each: _Coming, age: int) -> None:
        chunks = each.plan.result()
        if len(each.entries) != len(chunks):
            chunks = chunks[torch.from_numpy(each.entries)]
        # Views cost less than numbers of rows, and with one environment all rows come at once.
        pick = slice(None) if len(each.rows) == len(self._rows) else each.rows
        self._actions[pick] = self._clip(chunks[:, self._timing.first :])
        self._age[pick] = age
        if self._remembers:
            if self._whole is None:
                self._whole = chunks.new_zeros(len(self._rows), *chunks.shape[1:])
            self._whole[pick] = chunks

    def _previous(self, rows: Indices, age: Indices) -> Previous | None:
        if self._whole is None or not (age >= 0).any():
            return None
        return Previous.shift(self._whole[rows], torch.from_numpy(age))
