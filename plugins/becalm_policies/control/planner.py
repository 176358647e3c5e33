"""Chunks of actions for observations: one run of the sampler, with everything that can be prepared prepared once.

A warm start takes the chunk before, moved on by the steps since, instead of pure noise: it is mixed with noise to time
``warm``, and the path's levels above that time are skipped (as SDEdit, Meng et al. 2022, along a policy's own chunks).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from becalm.cond import take, to
from becalm.device import outside_inference
from becalm.errors import UserError
from becalm.guidance import Descend
from becalm.model import Model
from becalm.path import Path
from becalm.process.protocol import Noise
from becalm.sampler import sample
from becalm.schedule import levels_at
from becalm_policies.control.candidates import densest, pick
from becalm_policies.control.chunk_noise import ChunkNoise
from becalm_policies.control.execution import Execution, join_for
from becalm_policies.control.join import Previous, fading, joined, weights
from becalm_policies.demonstrations.episodes import Array, Indices
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.domain import Policies
from becalm_policies.energies import near_previous
from becalm_policies.forecast import file as forecasts
from becalm_policies.forecast.dynamics import SEEN
from becalm_policies.networks.condition import Observed
from becalm_policies.prefix import Prefixed
from becalm_policies.request import PolicyRequest

_FADE = 4
"""Actions over which a chunk of what is foretold leaves the one before: it knows better, and soon."""
Score = Callable[[Array, Array], Any]
"""(chunks (B, K, Tp, A), observations (B, To, D)) to (B, K), high is good; for ``choose="best"``."""


class Planner:
    """A policy's model with the path, the sampler and the guided denoiser of its request.

    Args:
        model: A model of the policies domain.
        request: How chunks are sampled. execution: How they are started and chosen.
        score: For ``execution.choose`` "best".

    Raises:
        UserError: If the options do not fit together.
    """

    def __init__(
        self, model: Model[Observed], request: PolicyRequest, execution: Execution, score: Score | None
    ) -> None:
        if not isinstance(model.domain, Policies):
            raise UserError(f"this is a model of {model.domain.name}, not a policy")
        if (execution.choose == "best") != (score is not None):
            raise UserError("choose best needs a score, a function of chunks and observations, and nothing else does")
        self.domain = model.domain
        self.device = model.device
        self._join = join_for(execution, trained=isinstance(model.objective, Prefixed))
        self._forecast = None
        if execution.forecast is not None:
            if execution.ensemble is not None:
                raise UserError("an ensemble averages chunks of the past, so none is planned from a forecast")
            self._forecast = forecasts.read(execution.forecast, model.domain)
        self.sees = max(model.domain.history, SEEN if self._forecast is not None else 0)
        # A chunk of what is foretold begins in time.
        self._late = execution.delay if self._forecast is None else 0
        self.remembers = bool(
            execution.warm
            or execution.near_scale
            or execution.blend
            or self._forecast is not None
            or self._join != "naive"
        )
        self.candidates = 1 if execution.choose == "first" else execution.candidates
        self._request, self._execution, self._score = request, execution, score
        # By default nothing is padded: one observation would cost as much as many. A GPU's sums depend on more.
        self._run = model.prepare(request, chunk=execution.rows if model.device.type == "cpu" else None)
        self._codec, path = model.codec, self._run.path
        self._scale = (request.temperature * path[0].total_std).to(self.device, torch.float32)
        self._short = None if execution.warm is None else _below(model, path, execution.warm)
        self._noise = ChunkNoise(request.seed, (self.candidates, *self.domain.shape()), model.device)

    def __call__(
        self,
        observations: Array,
        numbers: Indices,
        chunks: Indices,
        previous: Previous | None,
        pictures: Mapping[str, Pixels] | None = None,
    ) -> Tensor:
        """Chunks (B, Tp, A) for windows (B, To, D), in the environment's units, not clipped, on the CPU.

        Args:
            observations: The last ``sees`` of them, of which a forecast may need more than the policy.
            numbers: (B,) which environment's noise each row takes. chunks: (B,) how many it has taken before.
            previous: What was planned last, if anything was.
            pictures: By camera the newest of the windows, uint8 (B, f, H, W, 3).

        Raises:
            UserError: If an observation or a planned action is not finite.
        """
        observations = self._ahead(observations, previous)
        with torch.no_grad(), outside_inference():
            cond = self.domain.condition_on(observations, pictures)
            if self.device.type != "cpu":
                cond = to(cond, self.device)
            cond = self._run.bare.embed(cond)
            if self.candidates > 1:
                rows = torch.arange(len(observations), device=self.device).repeat_interleave(self.candidates)
                cond = take(cond, rows)
                previous = None if previous is None else previous.repeat(self.candidates)
            eps = self._eps(numbers, chunks)
            actions = self._actions(cond, eps, partial(self._noise.steps, numbers, chunks), previous, observations)
        # Copied once, and looked at on the host.
        planned = actions.cpu()
        if not np.isfinite(planned.numpy()).all():
            raise UserError("the policy planned actions that are not finite: its weights or its guidance are broken")
        return planned

    def _ahead(self, seen: Array, previous: Previous | None) -> Array:
        """(B, To, D) what is planned for: the last observations, or those foretold of when the chunks begin."""
        history = self.domain.history
        if self._forecast is None or previous is None or previous.course is None:
            return seen[:, -history:]
        actions, begun = previous.course.actions.double().numpy(), previous.course.begun.numpy()
        ahead = np.concatenate([seen, self._forecast(seen[:, -SEEN:], actions)], axis=1)
        return np.where(begun[:, None, None], ahead[:, -history:], seen[:, -history:])

    def _eps(self, numbers: Indices, chunks: Indices) -> Tensor:
        """(B K, Tp, A) the noise to start from; at temperature 0 a warm start alone has a use for it."""
        if self._request.temperature == 0 and self._short is None:
            return torch.zeros(
                len(numbers) * self.candidates, *self.domain.shape(), dtype=torch.float32, device=self.device
            )
        return self._noise.start(numbers, chunks)

    def _actions(
        self, cond: Observed, eps: Tensor, noise: Callable[[int], Noise], previous: Previous | None, observations: Array
    ) -> Tensor:
        x0 = self._sample(cond, eps, noise, previous)
        actions = self._codec.decode(x0, cond)
        if self._execution.blend and self._execution.delay and previous is not None:
            bound = self._bound(previous).to(actions)
            actions = actions + self._execution.blend * bound[..., None] * (previous.actions.to(actions) - actions)
        if self.candidates == 1:
            return actions
        grouped = actions.unflatten(0, (-1, self.candidates))
        if self._score is not None:
            shape = grouped.shape[:2]
            score = torch.as_tensor(self._score(grouped.cpu().numpy().astype(np.float64), observations))
            if score.shape != shape:
                raise UserError(f"score must return one number per chunk, {tuple(shape)}, got {tuple(score.shape)}")
            return pick(grouped, score.argmax(1).to(grouped.device))
        first = self.domain.history - 1
        executed = slice(first, first + (self._execution.execute or self.domain.execute))
        return pick(grouped, densest(x0.unflatten(0, (-1, self.candidates))[:, :, executed], self._execution.bandwidth))

    def _bound(self, previous: Previous) -> Tensor:
        """(B, Tp) how far each entry of a chunk stays with the one before."""
        first, steps = self.domain.history - 1, self._execution.fade or (_FADE if self._forecast is not None else None)
        return fading(previous, first, self._late, steps) if steps else weights(previous, first, self._late)

    def _sample(self, cond: Observed, eps: Tensor, noise: Callable[[int], Noise], previous: Previous | None) -> Tensor:
        if previous is None:
            return self._walk(self._run.path, self._start(eps), cond, noise, None)
        warm = previous.known[:, 0]  # On the host, where reading it waits for no device.
        previous, begun = to(previous, self.device), to(warm, self.device)
        if self._short is None:
            return self._walk(self._run.path, self._start(eps), cond, noise, previous)
        level = self._short[0].to(eps)
        mixed = level.mix(self._codec.encode(previous.actions, cond), eps)
        if bool(warm.all()):
            return self._walk(self._short, mixed, cond, noise, previous)
        x0 = self._walk(self._run.path, self._start(eps), cond, noise, previous)
        if bool(warm.any()):
            # Both runs over all rows, so that a row's noise does not depend on the others; this is rare.
            x0 = torch.where(begun[:, None, None], self._walk(self._short, mixed, cond, noise, previous), x0)
        return x0

    def _start(self, eps: Tensor) -> Tensor:
        return eps * self._scale

    def _walk(
        self, path: Path, x: Tensor, cond: Observed, noise: Callable[[int], Noise], previous: Previous | None
    ) -> Tensor:
        denoise = self._run.denoise
        if self._join != "naive" and previous is not None:
            values = self._codec.encode(previous.actions, cond)
            first, late = self.domain.history - 1, self._late
            denoise = joined(self._join, previous, values, self.domain.actions, first=first, delay=late)(denoise)
        if self._execution.near_scale and previous is not None:
            energy = near_previous(self.domain.actions, previous.actions, previous.known)
            denoise = Descend(energy, self._execution.near_scale, "clean")(denoise)
        return sample(self._run.sampler(denoise, x, path, cond, noise(len(path) - 1)))


def _below(model: Model[Any], path: Path, warm: float) -> Path:
    """The part of a path from time ``warm`` on, and clean; at least one step."""
    times = [float(level.t) for level in path[:-1] if float(level.t) <= warm + 1e-9]
    return levels_at(model.schedule, times or (warm,))
