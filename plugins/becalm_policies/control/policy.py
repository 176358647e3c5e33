"""A policy in hand: observations in, actions out.

    policy = becalm_policies.load("pusht")
    policy.reset()
    action = policy.act(observation)

Receding horizon (Chi et al. 2023): a chunk of Tp actions is planned from the last To observations, Ta of them are
executed, then the next chunk is planned. One policy serves one environment or a batch of them, each with its own queue.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError

import becalm.model
from becalm.errors import UserError, sentence
from becalm.model import Model
from becalm.objective import Fixed
from becalm_policies.control.execution import Execution
from becalm_policies.control.planner import Planner, Previous, Score
from becalm_policies.demonstrations.episodes import Array, Indices
from becalm_policies.networks.condition import Observed
from becalm_policies.request import PolicyRequest

Mask = npt.NDArray[np.bool_]


def load(
    name_or_file: str | Path,
    *,
    sampler: str | None = None,
    steps: int | None = None,
    device: str = "auto",
    seed: int = 0,
    score: Score | None = None,
    **fields: Any,
) -> "Policy":
    """A pretrained policy by name, or one from a file.

    Args:
        sampler: How to walk from noise to actions. steps: Network calls per chunk, for most samplers.
        device: auto, cpu, cuda.
        seed: Chunk c of environment e is a function of the seed, e, c and the observations.
        score: (chunks (B, K, Tp, A), observations (B, To, D)) to (B, K), high is good; for ``choose="best"``.
        fields: Any other field of ``PolicyRequest`` or ``Execution``.

    Raises:
        UserError: If there is no such policy, or a field is unknown or wrong.
    """
    model = becalm.model.load(name_or_file, device)
    given = {"sampler": sampler, "steps": steps, "seed": seed, **fields}
    return policy(model, score=score, **{name: value for name, value in given.items() if value is not None})


def policy(model: Model[Any], *, score: Score | None = None, **fields: Any) -> "Policy":
    """A policy of a model in hand; the fields are those of ``PolicyRequest`` and ``Execution``.

    A regression baseline, which is trained at fixed times, is asked at these, and starts without noise.

    Raises:
        UserError: If a field is unknown or wrong.
    """
    times = model.objective.levels
    if isinstance(times, Fixed) and not {"times", "steps", "spacing"} & fields.keys():
        fields = {"times": times.times, "temperature": 0.0, **fields}
    execution = {name: fields.pop(name) for name in list(fields) if name in Execution.model_fields}
    try:
        return Policy(model, PolicyRequest(**fields), Execution(**execution), score)
    except ValidationError as error:
        known = {*PolicyRequest.model_fields, *Execution.model_fields}
        raise UserError(sentence(error, known=lambda location: known)) from error


class Policy:
    """Acts in one environment, or in a batch of them.

    Args:
        model: A model of the policies domain.
        request: How chunks are sampled. execution: How they are executed.
        score: For ``execution.choose`` "best".

    Raises:
        UserError: If the options do not fit the model.
    """

    def __init__(
        self,
        model: Model[Observed],
        request: PolicyRequest | None = None,
        execution: Execution | None = None,
        score: Score | None = None,
    ) -> None:
        self.request = cast(PolicyRequest, model.with_defaults(request or PolicyRequest()))
        self.execution = execution or Execution()
        self.model = model
        self.planner = Planner(model, self.request, self.execution, score)
        self.domain = domain = self.planner.domain
        self.execute = self.execution.execute or domain.execute
        ahead = domain.horizon - domain.history + 1
        if self.execute > ahead:
            raise UserError(f"execute must be at most horizon - history + 1 = {ahead}, got {self.execute}")
        bounded = domain.action_low is not None and domain.action_high is not None
        self._bounds = np.array([domain.action_low, domain.action_high], np.float32) if bounded else None
        self._memory: _Memory | None = None
        self._sized = False

    def reset(self, mask: npt.ArrayLike | None = None, *, numbers: npt.ArrayLike | None = None) -> None:
        """Forgets observations and queues: a new episode begins.

        An environment goes on in its stream of noise, so its next episode differs, unless it is given a number.

        Args:
            mask: (B,) the environments that begin anew; default: all.
            numbers: (B,) or one number: the streams of noise to begin; default: 0 .. B - 1 at the first act, then as
                they are.
        """
        if mask is None:
            # The next act may come with another number of environments.
            self._sized = numbers is not None
        if self._memory is None or (mask is None and numbers is not None):
            self._memory = None if numbers is None else _Memory(self, np.atleast_1d(np.asarray(numbers, np.int64)))
            return
        rows = np.ones(len(self._memory.numbers), bool) if mask is None else np.asarray(mask, bool)
        if rows.shape != self._memory.numbers.shape:
            raise UserError(f"mask must have one entry per environment, {self._memory.numbers.shape}, got {rows.shape}")
        self._memory.forget(rows)
        if numbers is not None:
            self._memory.renumber(rows, np.asarray(numbers, np.int64))

    def act(self, observation: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The action for an observation: (D,) to (A,), or (B, D) to (B, A).

        Raises:
            UserError: If the observation has another size, is not finite, or the batch changed without a reset.
        """
        seen = np.asarray(observation, dtype=np.float64)
        rows = seen if seen.ndim == 2 else seen[None]
        if rows.ndim != 2 or rows.shape[1] != self.domain.observation_size:
            raise UserError(f"an observation must have {self.domain.observation_size} entries, got shape {seen.shape}")
        memory = self._memory
        if memory is None or (not self._sized and len(memory.numbers) != len(rows)):
            memory = self._memory = _Memory(self, np.arange(len(rows)))
        self._sized = True
        if len(memory.numbers) != len(rows):
            raise UserError(
                f"the policy acts in {len(memory.numbers)} environments, got {len(rows)} observations: reset it first"
            )
        memory.observe(rows)
        actions = memory.mean_actions() if self.execution.ensemble is not None else memory.next_actions()
        return actions if seen.ndim == 2 else actions[0]

    def plan(
        self, observations: npt.ArrayLike, *, numbers: npt.ArrayLike | None = None, chunk: int = 0
    ) -> npt.NDArray[np.float32]:
        """Chunks (B, Tp, A) for windows (B, To, D) of observations, clipped to the bounds; nothing is remembered.

        Args:
            numbers: (B,) which environments' noise to take; default: 0 .. B - 1. chunk: Which chunk's.
        """
        seen = np.asarray(observations, dtype=np.float64)
        shape = (self.domain.history, self.domain.observation_size)
        if seen.ndim != 3 or seen.shape[1:] != shape:
            raise UserError(f"windows of observations must have shape (B, {shape[0]}, {shape[1]}), got {seen.shape}")
        rows = np.arange(len(seen)) if numbers is None else np.asarray(numbers, np.int64)
        return self.clip(self.planner(seen, rows, np.full(len(seen), chunk), None))

    def clip(self, actions: torch.Tensor) -> npt.NDArray[np.float32]:
        """Actions as the environment takes them."""
        array: npt.NDArray[np.float32] = actions.float().cpu().numpy()
        return array if self._bounds is None else np.clip(array, self._bounds[0], self._bounds[1])


class _Memory:
    """What a policy remembers of its environments; row b is environment ``numbers[b]``."""

    def __init__(self, policy: Policy, numbers: Indices) -> None:
        domain, count = policy.domain, len(numbers)
        self._policy = policy
        self._ahead = domain.horizon - domain.history + 1
        self.numbers = numbers.copy()
        self._chunks = np.zeros(count, np.int64)
        self._seen: Array = np.zeros((count, domain.history, domain.observation_size))
        self._fresh = np.ones(count, bool)
        self._any_fresh = True
        self._queue = np.zeros((count, policy.execute, domain.action_size), np.float32)
        self._next = np.full(count, policy.execute)
        self._last: torch.Tensor | None = None
        self._planned = np.zeros(count, bool)
        depth = self._ahead if policy.execution.ensemble is not None else 0
        # Entry [b, age] is the chunk planned ``age`` steps ago, from its present on.
        self._plans = np.zeros((count, depth, self._ahead, domain.action_size), np.float32)
        self._known = np.zeros(count, np.int64)

    def forget(self, mask: Mask) -> None:
        """Those rows begin anew, further along their noise."""
        self._fresh |= mask
        self._any_fresh = bool(self._fresh.any())
        self._next[mask] = self._policy.execute
        self._planned &= ~mask
        self._known[mask] = 0

    def renumber(self, mask: Mask, numbers: Indices) -> None:
        """Those rows take other streams of noise, from their beginning."""
        self.numbers[mask] = numbers[mask] if numbers.shape == mask.shape else numbers
        self._chunks[mask] = 0

    def observe(self, observations: Array) -> None:
        """Adds an observation per row; the first of an episode counts as all before it."""
        self._seen[:, :-1] = self._seen[:, 1:]
        self._seen[:, -1] = observations
        if self._any_fresh:
            self._seen[self._fresh] = observations[self._fresh, None]
            self._fresh[:] = False
            self._any_fresh = False

    def next_actions(self) -> npt.NDArray[np.float32]:
        """The next action of each row's queue, (B, A), planning where it is empty."""
        due = self._next >= self._policy.execute
        if due.any():
            rows = np.flatnonzero(due)
            # Views cost less than numbers of rows, and with one environment all rows are due at once.
            pick = slice(None) if len(rows) == len(due) else rows
            chunk = self._plan(rows, self._policy.execute)
            first = self._policy.domain.history - 1
            self._queue[pick] = chunk[:, first : first + self._policy.execute]
            self._next[pick] = 0
        actions: npt.NDArray[np.float32] = self._queue[np.arange(len(self._queue)), self._next]
        self._next += 1
        return actions

    def mean_actions(self) -> npt.NDArray[np.float32]:
        """The mean of what the chunks so far say of now, weights exp(-m i), i = 0 the oldest (Zhao et al. 2023b)."""
        chunk = self._plan(np.arange(len(self.numbers)), 1)
        self._plans[:, 1:] = self._plans[:, :-1]
        self._plans[:, 0] = chunk[:, -self._ahead :]
        self._known = np.minimum(self._known + 1, self._ahead)
        age = np.arange(self._ahead)
        proposals = self._plans[:, age, age]
        order = self._known[:, None] - 1 - age
        rate = self._policy.execution.ensemble or 0.0
        weight = np.where(order >= 0, np.exp(-rate * np.maximum(order, 0)), 0.0)
        weight /= weight.sum(1, keepdims=True)
        mean: npt.NDArray[np.float32] = (weight[..., None] * proposals).sum(1).astype(np.float32)
        return mean

    def _plan(self, rows: Indices, since: int) -> npt.NDArray[np.float32]:
        """New chunks (n, Tp, A) for some rows, clipped."""
        policy, whole = self._policy, len(rows) == len(self.numbers)
        pick = slice(None) if whole else rows
        previous = None
        remembers = policy.execution.warm is not None or policy.execution.near_scale > 0
        if remembers and self._last is not None and self._planned[pick].any():
            previous = Previous.shift(self._last[pick], since, torch.from_numpy(self._planned[pick]))
        actions = policy.planner(self._seen[pick], self.numbers[pick], self._chunks[pick], previous)
        self._chunks[pick] += 1
        if remembers:
            if self._last is None:
                self._last = actions.new_zeros(len(self.numbers), *actions.shape[1:])
            self._last[pick] = actions
            self._planned[pick] = True
        return policy.clip(actions)
