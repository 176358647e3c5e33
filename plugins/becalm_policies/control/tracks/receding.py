"""Receding horizon (Chi et al. 2023): of each chunk a part is executed, then the next one takes over.

The next chunk may be on its way while the last one is executed, see ``control.tracks.timing``.
"""

from dataclasses import dataclass

import numpy as np
import torch

from becalm_policies.control.given import Mask
from becalm_policies.control.join import Course, Previous
from becalm_policies.control.tracks.plan import Actions, Ask, Clip, Plan, among
from becalm_policies.control.tracks.timing import Timing
from becalm_policies.demonstrations.episodes import Indices


@dataclass(frozen=True, slots=True, eq=False)
class _Coming:
    """Chunks on their way.

    Attributes:
        rows: (n,) the environments that wait for them. entries: (n,) which of the plan's chunks is whose.
        step: When their observations were made.
    """

    rows: Indices
    entries: Indices
    step: int
    plan: Plan

    def only(self, kept: Mask) -> "_Coming":
        """Those of some of its environments, (n,)."""
        return _Coming(self.rows[kept], self.entries[kept], self.step, self.plan)


class Receding:
    """What each environment executes next.

    Args:
        count: B. size: A.
        clip: Actions as the environment takes them.
        remembers: Whether planning looks at what was planned before.
    """

    def __init__(self, count: int, size: int, timing: Timing, clip: Clip, *, remembers: bool) -> None:
        self._timing, self._clip, self._remembers = timing, clip, remembers
        # A forecast begins with the action before the observation, however old that is.
        self._now = timing.first + (timing.ahead if timing.lead else timing.delay)
        # What was and will be executed, as it was planned; the last action that is known is held.
        self._queue = np.zeros((count, self._now + timing.delay + timing.ahead, size), np.float32)
        self._counts = np.zeros((3, count), np.int64)
        # How many entries before now are known, how many from now on, 0 where nothing is; steps until a chunk is asked
        # for.
        self._past, self._left, self._wait = self._counts
        self._coming: list[_Coming] = []
        self._step = 0

    def forget(self, mask: Mask) -> None:
        """Those environments have no chunk, and wait for none."""
        self._counts[:, mask] = 0
        left = (each.only(~mask[each.rows]) for each in self._coming)
        self._coming = [each for each in left if len(each.rows)]

    def act(self, live: Mask | None, ask: Ask, age: int = 0) -> tuple[Actions, Indices]:
        """The next actions, (B, A), and for which environments a chunk was planned.

        If planning fails, the same call again does what this one would have done.

        Args:
            live: (B,) the environments that act; default: all.
            age: Steps since the observations were made.
        """
        for each in [each for each in self._coming if each.plan.done()]:
            self._coming.remove(each)  # Before its result, which is an error where planning failed.
            self._take(each)
        planned = self._due(live)
        if len(planned):
            self._plan(planned, ask, age)
        actions = self._clip(self._queue[:, self._now].copy())
        self._queue[:, :-1] = self._queue[:, 1:]
        if self._remembers:
            self._past += self._left > 0
            # Who has executed all that is known holds the last action, and still has a chunk.
            self._left[:] = np.maximum(self._left - 1, self._left > 0)
        self._wait -= 1
        self._step += 1
        return actions, planned

    def _due(self, live: Mask | None) -> Indices:
        due = self._wait <= 0
        if live is not None:
            due &= live
        for each in self._coming:
            due[each.rows] = False
        return due.nonzero()[0]

    def _plan(self, rows: Indices, ask: Ask, age: int) -> None:
        """Has chunks planned; who has none waits for it."""
        plan = ask(rows, self._previous(rows, age))
        pick = among(rows, len(self._left))
        first = self._left[pick] == 0
        if first.all():
            self._write(pick, plan.result().numpy(), 0, age)
            self._wait[pick] = self._timing.second
            return
        coming = _Coming(rows, np.arange(len(rows)), self._step - age, plan)
        if first.any():
            self._write(rows[first], plan.result().numpy()[first], 0, age)
        self._wait[rows] = np.where(first, self._timing.second, self._timing.execute)
        later = coming.only(~first)
        if plan.done():
            self._take(later)
        else:
            self._coming.append(later)

    def _take(self, each: _Coming) -> None:
        """Puts chunks where they take over: at their time, or now if that has passed."""
        timing, age = self._timing, self._step - each.step
        chunks = each.plan.result().numpy()[each.entries]
        self._write(each.rows, chunks, max(timing.delay - age, 0), timing.skip + max(age - timing.delay, 0))

    def _write(self, rows: Indices | slice, chunks: Actions, at: int, entry: int) -> None:
        """Has chunks (n, Tp, A) executed ``at`` steps from now on, from an entry on."""
        chunks = chunks[:, self._timing.first :]
        entry = min(entry, self._timing.ahead - 1)
        begin, known = self._now + at, self._timing.ahead - entry
        end = min(begin + known, self._queue.shape[1])
        self._queue[rows, begin:end] = chunks[:, entry : entry + end - begin]
        self._queue[rows, end:] = chunks[:, -1:]
        self._left[rows] = end - self._now

    def _previous(self, rows: Indices, age: int) -> Previous | None:
        """What was and will be executed, seen from what a chunk for observations of ``age`` steps ago begins with."""
        lead = self._timing.lead
        if not self._remembers or (age > self._timing.delay and not lead) or not self._left[rows].any():
            return None
        horizon, first = self._timing.history - 1 + self._timing.ahead, self._timing.first
        begin = self._now - age + lead - first
        place = np.arange(begin, begin + horizon) - self._now
        known = (place >= -self._past[rows, None]) & (place < self._left[rows, None])
        planned = self._queue[rows, begin : begin + horizon]
        if self._timing.delay:  # What will have been executed.
            planned = self._clip(planned)
        return Previous(torch.from_numpy(planned), torch.from_numpy(known), self._course(rows, age) if lead else None)

    def _course(self, rows: Indices, age: int) -> Course:
        """What is executed from the step before observations of ``age`` steps ago until their chunk begins."""
        place = np.arange(-age - 1, self._timing.lead - age)
        # Before an episode's first action it stood still.
        place = np.maximum(place, -self._past[rows, None])
        actions = self._queue[rows[:, None], self._now + place]
        return Course(torch.from_numpy(self._clip(actions)), torch.from_numpy(self._left[rows] > 0))
