"""A policy in hand: observations in, actions out.

    policy = becalm_policies.load("pusht")
    policy.reset()
    action = policy.act(observation)

Receding horizon (Chi et al. 2023): a chunk of Tp actions is planned from the last To observations, Ta of them are
executed, then the next chunk is planned. One policy serves one environment or a batch of them, each with its own queue.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

import becalm.model
from becalm.errors import UserError, sentence
from becalm.model import Model
from becalm_policies.control import given
from becalm_policies.control.execution import Execution
from becalm_policies.control.memory import Memory, Track
from becalm_policies.control.planner import Planner, Score
from becalm_policies.control.sensing import apart, window_of
from becalm_policies.control.tracks.ensemble import Ensemble
from becalm_policies.control.tracks.plan import Actions, Start, at_once
from becalm_policies.control.tracks.receding import Receding
from becalm_policies.control.tracks.timing import Timing
from becalm_policies.demonstrations.episodes import Indices
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.demonstrations.looking import check_pictures
from becalm_policies.networks.condition import Observed
from becalm_policies.regression import asked
from becalm_policies.request import PolicyRequest


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
    if not {"times", "steps", "spacing"} & fields.keys():
        fields = {**asked(model), **fields}
    if asked(model) and fields.get("delay"):
        fields = {"join": "hold", **fields}  # What does not look at x cannot be guided through it.
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
        start: How a chunk is planned: at once, or elsewhere while the last one is executed.

    Raises:
        UserError: If the options do not fit the model.
    """

    def __init__(
        self,
        model: Model[Observed],
        request: PolicyRequest | None = None,
        execution: Execution | None = None,
        score: Score | None = None,
        start: Start = at_once,
    ) -> None:
        self.request = cast(PolicyRequest, model.with_defaults(request or PolicyRequest()))
        self.execution = execution or Execution()
        self.model = model
        self.planner = Planner(model, self.request, self.execution, score)
        self.domain = domain = self.planner.domain
        self.timing = Timing.of(domain, self.execution)
        bounded = domain.action_low is not None and domain.action_high is not None
        self._bounds = np.array([domain.action_low, domain.action_high], np.float32) if bounded else None
        self._score, self._start = score, start
        self._memory: Memory | None = None
        self._sized = False

    @property
    def execute(self) -> int:
        """Control steps from one planned chunk to the next."""
        return 1 if self.execution.ensemble is not None else self.timing.execute

    def reset(
        self,
        mask: npt.ArrayLike | None = None,
        *,
        numbers: npt.ArrayLike | None = None,
        autoreset: given.Autoreset | None = None,
    ) -> None:
        """Forgets observations and queues: a new episode begins.

        An environment goes on in its stream of noise, so its next episode differs, unless it is given a number.

        gymnasium's vector environments begin episodes by themselves, at another moment in each of their modes, and
        say so in their metadata:

            policy.reset(done, autoreset=envs.metadata["autoreset_mode"])

        In mode ``next-step``, their default, the observation that comes with ``done`` is the old episode's last: it is
        not remembered, and the action for it, which nobody executes, is the last one again. In modes ``same-step`` and
        ``disabled`` it is the first of the new episode.

        Args:
            mask: (B,) the environments that begin anew; default: all.
            numbers: (B,) or one number: the streams of noise to begin; default: 0 .. B - 1 at the first act, then as
                they are.
            autoreset: gymnasium's ``AutoresetMode``, or its name. By default a ``mask`` is right for all of them: the
                first observation is acted on and not remembered, so that a chunk is planned for the second, too.

        Raises:
            UserError: If mask or numbers do not fit the environments; nothing is forgotten then.
        """
        mode = given.autoreset(autoreset)
        if mask is None:
            streams = None if numbers is None else given.numbers(numbers)
            # The next act may come with another number of environments.
            self._sized = streams is not None
            if streams is not None:
                self._memory = self._remember(streams)
            elif self._memory is not None:
                self._memory.forget(np.ones(len(self._memory.numbers), bool), leaving=mode == "next-step")
            return
        count = np.size(mask) if self._memory is None else len(self._memory.numbers)
        rows = given.mask(mask, count)
        streams = None if numbers is None else given.numbers(numbers, count)
        if self._memory is None:
            if streams is not None:
                self._memory, self._sized = self._remember(streams), True
            return
        self._memory.forget(rows, leaving=mode == "next-step", unsure=mode is None)
        if streams is not None:
            self._memory.renumber(rows, streams)

    def act(self, observation: Any, *, age: int = 0) -> npt.NDArray[np.float32]:
        """The action for an observation: (D,) to (A,), or (B, D) to (B, A); with cameras a dict, see ``sensing``.

        Args:
            age: Control steps since the observation was made; the delay counts from then on.

        Raises:
            UserError: If the observation has another size, is not finite or no array of real numbers, or the batch
                changed without a reset; or if what is planned is not finite. The policy is as before then.
        """
        vector, pictures = apart(observation, self.domain.sizes)
        seen = given.observations(vector, self.domain.observation_size)
        given.check_age(age, self.timing.ahead)
        rows = seen if seen.ndim == 2 else seen[None]
        if pictures:
            pictures = pictures if seen.ndim == 2 else {name: each[None] for name, each in pictures.items()}
            check_pictures(pictures, self.domain.sizes, (len(rows),))
        memory = self._memory
        if memory is None or (not self._sized and len(memory.numbers) != len(rows)):
            memory = self._remember(np.arange(len(rows)))
        elif len(memory.numbers) != len(rows):
            raise UserError(
                f"the policy acts in {len(memory.numbers)} environments, got {len(rows)} observations: reset it first"
            )
        actions = memory.act(rows, pictures, age)
        self._memory, self._sized = memory, True
        return actions if seen.ndim == 2 else actions[0]

    def plan(
        self,
        observations: npt.ArrayLike,
        *,
        numbers: npt.ArrayLike | None = None,
        chunk: int = 0,
        pictures: Mapping[str, Pixels] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Chunks (B, Tp, A) for windows (B, To, D) of observations, clipped to the bounds; nothing is remembered.

        Args:
            numbers: (B,) which environments' noise to take; default: 0 .. B - 1. chunk: Which chunk's.
            pictures: By camera the newest of the windows, uint8 (B, f, H, W, 3).

        Raises:
            UserError: If the windows have another shape, or are not finite or no real numbers.
        """
        seen = given.windows(observations, self.domain.history, self.domain.observation_size)
        rows = np.arange(len(seen)) if numbers is None else given.numbers(numbers, len(seen))
        chunks = given.numbers(chunk, len(seen))
        return self.clip(self.planner(seen, rows, chunks, None, pictures).numpy())

    def planned_by(self, start: Start) -> "Policy":
        """The same policy anew, whose chunks are planned by something else."""
        return Policy(self.model, self.request, self.execution, self._score, start)

    def plans(self, seen: Sequence[Any], *, numbers: npt.ArrayLike, chunk: int = 0) -> npt.NDArray[np.float32]:
        """Chunks (B, Tp, A) that might be planned for the last To observations of one environment, oldest first.

        Args:
            numbers: (B,) the noise of each. chunk: Which chunk's.
        """
        windows, pictures = window_of(seen, self.domain.sizes, self.domain.vision.frames, len(np.atleast_1d(numbers)))
        return self.plan(windows, numbers=numbers, chunk=chunk, pictures=pictures)

    def alone(self) -> "Policy":
        """The same policy anew, for one environment, which waits for no padding."""
        return Policy(self.model, self.request, self.execution.model_copy(update={"rows": None}), self._score)

    def clip(self, actions: Actions) -> Actions:
        """Actions (..., A) as the environment takes them."""
        return actions if self._bounds is None else np.asarray(actions).clip(self._bounds[0], self._bounds[1])

    def _remember(self, numbers: Indices) -> Memory:
        """A memory of environments that have seen nothing."""
        execution, size = self.execution, self.domain.action_size
        if execution.ensemble is not None:
            track: Track = Ensemble(len(numbers), size, self.timing, self.clip, rate=execution.ensemble)
        else:
            track = Receding(len(numbers), size, self.timing, self.clip, remembers=self.planner.remembers)
        return Memory(self.planner, track, self._start, numbers, self.clip(np.zeros(size, np.float32)))
