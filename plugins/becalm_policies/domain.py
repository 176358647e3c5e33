"""Policies as a domain: x is a chunk of actions, conditioned on the last observations (Chi et al. 2023)."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.guidance import Descend, Energy, Guidance, compose
from becalm.noise import epochs
from becalm_policies.actions import Actions
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.energies import keep_away, steady, within
from becalm_policies.fitting import episodes_of, fit, pairs, positions, summary
from becalm_policies.networks.condition import Blind, Observed
from becalm_policies.offline.examine import Known, Pairs, examine, known
from becalm_policies.regression import asked
from becalm_policies.request import PolicyRequest
from becalm_policies.settings import PolicySettings
from becalm_policies.views.chunk_plot import plot_chunks
from becalm_policies.views.scene import Scene


class Policies(PolicySettings, Domain[Observed]):
    """Chunks of actions (B, Tp, A); the condition is ``Observed``."""

    name: ClassVar[str] = "policies"
    request: ClassVar[type[PolicyRequest]] = PolicyRequest
    chunk: ClassVar[int | None] = 16
    defaults: ClassVar[Mapping[str, Any]] = {
        "schedule": {"kind": "flow"},
        "objective": {"prediction": "flow", "drop": 0.0},
        "training": {"rate": 5e-4, "warmup": 500, "ema": 0.999},
    }

    def fit(self) -> "Policies":
        """This domain with sizes, bounds and statistics of its demonstrations.

        Raises:
            UserError: If they do not fit the configuration.
        """
        return self.model_validate({**self.model_dump(), **fit(self)})

    def summary(self) -> str:
        return summary(self)

    def fingerprint(self) -> Mapping[str, Any]:
        episodes = episodes_of(self, "train")
        return {"demonstrations": len(episodes), "steps": len(episodes.actions), "content": episodes.digest}

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Observed]]:
        _, observations, chunks = pairs(self, split)
        cond = self._condition(observations)
        actions = torch.from_numpy(chunks).float()
        for _, index in epochs(seed, len(actions), self.batch, start):
            yield Batch.dense(actions[index], Observed(cond.features[index], cond.reference[index]))

    def network(self) -> nn.Module:
        self._need_statistics()
        features = self.observe.size(self.observation_size)
        network = self.architecture.build(self.horizon, self.action_size, self.history, features)
        return Blind(network) if self.blind else network

    def shape(self) -> tuple[int, int]:
        return (self.horizon, self.action_size)

    def usual(self) -> Mapping[str, Any]:
        return self.sampling.model_dump()

    def held_out(self, model: Any) -> Mapping[str, float]:
        """``action_error`` and ``action_energy``, see ``offline.errors``, beside ridge, neighbours and mean."""
        if self._known is None:
            return {}

        def draw(windows: Array) -> Array:
            chunks: Array = model.sample(cond=self._condition(windows), **asked(model)).data.double().numpy()
            return self._executed(chunks)

        return examine(self._known, draw, self.action_low, self.action_high)

    @cached_property
    def _known(self) -> Known | None:
        """What held-out figures are compared to; None where nothing is kept out."""
        try:
            train, test = self._compared("train"), self._compared("test")
        except UserError:
            return None
        return known(train, test, self.action_low, self.action_high)

    def _compared(self, split: str) -> Pairs:
        windows, seen, chunks = pairs(self, split)
        features = self._condition(seen).features.flatten(1).double().numpy()
        return Pairs(seen, features, self._executed(chunks), positions(self, seen), windows.episode)

    def _executed(self, chunks: Array) -> Array:
        """(B, Te, A) the part of chunks (B, Tp, A) that is executed."""
        return chunks[:, self.history - 1 : self.history - 1 + self.execute]

    def codec(self) -> Actions:
        statistics = self._need_statistics()
        shift, scale = (
            torch.tensor(values, dtype=torch.float32) for values in (statistics.action_shift, statistics.action_scale)
        )
        return Actions(shift, scale)

    def condition(self, request: PolicyRequest) -> Observed:
        window = self.window(request)[None].repeat(request.count, axis=0)
        cond = self.condition_on(window)
        return Observed(cond.features, cond.reference, torch.from_numpy(window[:, -1]).float())

    def window(self, request: PolicyRequest) -> Array:
        """(To, D) observations that a request asks for.

        Raises:
            UserError: If the observation has another size, or there is no such example.
        """
        statistics = self._need_statistics()
        if request.observation is not None:
            if len(request.observation) != self.observation_size:
                raise UserError(
                    f"observation must have {self.observation_size} entries, got {len(request.observation)}"
                )
            return np.repeat(np.array(request.observation, dtype=np.float64)[None], self.history, axis=0)
        if request.example >= len(statistics.examples):
            raise UserError(f"example must be below {len(statistics.examples)}, got {request.example}")
        return np.array(statistics.examples[request.example])

    def condition_on(self, observations: Array) -> Observed:
        """Windows of raw observations, (B, To, D), as conditions; warns if they lie far outside the training range.

        Raises:
            UserError: If an observation is not finite.
        """
        if not np.isfinite(observations).all():
            raise UserError("observations must be finite, got NaN or infinity")
        self._need_statistics().warn_if_far(observations)
        return self._condition(observations)

    def actions(self, x0: Tensor, cond: Observed) -> Tensor:
        """Diffusion space to actions (B, Tp, A) in the environment's units, not clipped; what energies look at."""
        return self._codec_on(x0.device).decode(x0, cond)

    def drop(self, cond: Observed) -> Observed:
        """Features that say nothing; relative actions stay relative."""
        return Observed(torch.zeros_like(cond.features), cond.reference, cond.newest)

    def energies(self) -> Mapping[str, Energy[Observed]]:
        """``bounds``: how far actions lie outside their bounds, where these are known."""
        if self.action_low is None or self.action_high is None:
            return {}
        return {"bounds": within(self.actions, self.action_low, self.action_high)}

    def guidance(self, request: PolicyRequest) -> Guidance[Observed]:
        guides: list[Guidance[Observed]] = [super().guidance(request)]
        if request.avoid is not None and request.avoid_scale:
            if self.action_size < 2:
                raise UserError(f"avoid needs actions of at least 2 entries, a position x, y, got {self.action_size}")
            x, y, radius = request.avoid
            energy = keep_away(self.actions, (x, y), radius)
            guides.append(Descend(energy, steady(request.avoid_scale), "clean"))
        if request.bounds_scale:
            if "bounds" not in self.energies():
                raise UserError("bounds_scale needs action bounds, and the demonstrations came without them")
            guides.append(Descend(self.energies()["bounds"], steady(request.bounds_scale), "clean"))
        return compose(*guides)

    def metrics(self, data: Tensor, cond: Observed) -> Mapping[str, float]:
        """Spread of the chunks about their mean, in diffusion space, and the share of actions out of bounds."""
        x0 = self._codec_on(data.device).encode(data, cond)
        figures = {"spread": float(x0.std(0, unbiased=False).mean())}
        if self.action_low is not None and self.action_high is not None:
            low, high = (torch.tensor(end, dtype=torch.float32) for end in (self.action_low, self.action_high))
            figures["out_of_bounds"] = float(((data < low) | (data > high)).float().mean())
        return figures

    def arrays(self, data: Tensor, cond: Observed) -> Mapping[str, Tensor]:
        """``actions`` float32 (N, Tp, A) in the environment's units."""
        return {"actions": data}

    def render(self, data: Tensor, cond: Observed) -> Picture:
        """The chunks over each other."""
        newest = None if cond.newest is None else cond.newest[0].cpu().numpy()
        return plot_chunks(self.scene(), data.cpu().float().numpy(), newest)

    def scene(self) -> Scene:
        """What pictures have to know."""
        bounds = (self.action_low, self.action_high)
        return Scene(self.environment, *bounds, self.relative, self.history, self.horizon, self.goal)

    def _condition(self, observations: Array) -> Observed:
        statistics = self._need_statistics()
        features = statistics.normalise(self.observe(observations, self.goal))
        reference = np.ascontiguousarray(positions(self, observations))
        if statistics.linear:
            reference = reference[:, None] + statistics.line(features)
        return Observed(torch.from_numpy(features).float(), torch.from_numpy(reference).float())

    @cached_property
    def _codecs(self) -> dict[torch.device, Actions]:
        return {}

    def _codec_on(self, device: torch.device) -> Actions:
        """The codec on a device, made once: making one takes as long as a step of a small network."""
        if device not in self._codecs:
            self._codecs[device] = self.codec().to(device)
        return self._codecs[device]

    def _need_statistics(self) -> Statistics:
        if self.statistics is None:
            raise UserError("this policy has no normaliser statistics: fit() takes them from demonstrations")
        return self.statistics
