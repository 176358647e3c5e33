"""Policies as a domain: x is a chunk of actions, conditioned on the last observations (Chi et al. 2023)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import each, take
from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.guidance import Descend, Energy, Guidance, clamp, compose
from becalm.noise import epochs
from becalm_policies.actions import Actions
from becalm_policies.demonstrations.episodes import Array, Indices
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.demonstrations.looking import look, restore, show
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.energies import keep_away, steady, within
from becalm_policies.fitting import Pairs, doubts_of, episodes_of, fit, pairs, positions, summary
from becalm_policies.networks.condition import Blind, Observed
from becalm_policies.networks.vision import telling
from becalm_policies.offline.examine import DRAWS, Known, examine, known
from becalm_policies.offline.examine import Pairs as Compared
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
        "objective": {"prediction": "flow", "drop": 0.0, "penalty": 1.0},
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

    def doubts(self) -> list[str]:
        return doubts_of(self)

    def fingerprint(self) -> Mapping[str, Any]:
        episodes = episodes_of(self, "train")
        return {"demonstrations": len(episodes), "steps": len(episodes.actions), "content": episodes.digest}

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Observed]]:
        found = pairs(self, split)
        cond, actions = self.conditions(found), torch.from_numpy(found.chunks).float()
        jitter = self.jitter if split == "train" else 0.0
        for number, index in epochs(seed, len(actions), self.batch, start):
            told = cond(index)
            yield Batch.dense(actions[index], self._moved(told, found, index, (seed, number)) if jitter else told)

    def _moved(self, told: Observed, found: Pairs, index: Tensor, key: tuple[int, int]) -> Observed:
        """Conditions whose observations have noise, a function of seed and number of the batch; pictures stay."""
        statistics = self._need_statistics()
        size = self.jitter * np.subtract(statistics.observation_high, statistics.observation_low)
        noise = np.random.default_rng(key).normal(size=(len(index), 1, len(size))) * size
        moved = self._condition(found.observations[index.numpy()] + noise)
        return replace(told, features=moved.features, reference=moved.reference)

    def conditions(self, found: Pairs) -> Callable[[Tensor], Observed]:
        """The conditions of windows by their numbers; pictures are looked at only then."""
        cond, looked_at = self._condition(found.observations), found.windows.seen[:, -self.vision.frames :]
        if self.hidden:
            hidden = self._need_statistics().normalise(self.observe(found.whole, self.goal))
            cond = replace(cond, hidden=torch.from_numpy(hidden[looked_at]).float())
        return lambda index: replace(take(cond, index), cameras=look(found.episodes, looked_at[index.numpy()]))

    def network(self) -> nn.Module:
        self._need_statistics()
        told = self.observe.size(self.observation_size + len(self.hidden))
        features, hidden = (self.observation_size, told) if self.hidden else (told, 0)
        seen = self.vision.seen(len(self.sizes), hidden)
        network = self.architecture.build(self.horizon, self.action_size, self.history, features + seen)
        network = Blind(network) if self.blind else network
        return self.vision.before(network, self.sizes, features=features, hidden=hidden)

    def penalty(self) -> Energy[Observed] | None:
        """How far what is told from pictures is from the truth, where something is hidden."""
        return telling if self.hidden else None

    def shape(self) -> tuple[int, int]:
        return (self.horizon, self.action_size)

    def usual(self) -> Mapping[str, Any]:
        return self.sampling.model_dump()

    def held_out(self, model: Any, samples: int = DRAWS) -> Mapping[str, float]:
        """``action_error`` and ``action_energy``, see ``offline.errors``, beside ridge, neighbours and mean.

        Args:
            samples: Chunks drawn for each window.
        """
        if self._known is None:
            return {}
        told, cond = self._known

        def draw(windows: Indices) -> Array:
            chosen = cond(torch.from_numpy(windows))
            chunks: Array = model.sample(cond=chosen, **asked(model)).data.double().numpy()
            return self.executed(chunks)

        each = examine(told, draw, self.action_low, self.action_high, samples)
        return {name: float(values.mean()) for name, values in each.items()}

    @cached_property
    def _known(self) -> tuple[Known, Callable[[Tensor], Observed]] | None:
        """What held-out figures are compared to, and the conditions of the windows; None where nothing is kept out."""
        try:
            train, test = pairs(self, "train"), pairs(self, "test")
        except UserError:
            return None
        told = known(self.compared(train), self.compared(test), self.action_low, self.action_high)
        return told, self.conditions(test)

    def compared(self, found: Pairs) -> Compared:
        """What follows windows of demonstrations, as rivals learn it."""
        features = self._condition(found.observations).features.flatten(1).double().numpy()
        moved = positions(self, found.observations)
        return Compared(features, self.executed(found.chunks), moved, found.windows.episode)

    def executed(self, chunks: Array) -> Array:
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
        cond = self.condition_on(window, self.example_pictures(request.example, request.count))
        return replace(cond, newest=torch.from_numpy(window[:, -1]).float())

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

    def example_pictures(self, number: int, count: int) -> Mapping[str, Pixels]:
        """The pictures kept with the policy for an example, (count, f, H, W, 3) by camera.

        Raises:
            UserError: If there are none of that number.
        """
        return restore(self._need_statistics().pictures, number, self.sizes, (count, self.vision.frames))

    def condition_on(self, observations: Array, pictures: Mapping[str, Pixels] | None = None) -> Observed:
        """Windows of raw observations, (B, To, D), as conditions; warns if they lie far outside the training range.

        Args:
            pictures: By camera the newest of them, uint8 (B, f, H, W, 3).

        Raises:
            UserError: If an observation is not finite, or the pictures are not those of the policy's cameras.
        """
        if not self._need_statistics().near(observations):
            if not np.isfinite(observations).all():
                raise UserError("observations must be finite, got NaN or infinity")
            self._need_statistics().warn_if_far(observations)
        shown = show(pictures or {}, self.sizes, (len(observations), self.vision.frames)) if self.cameras else None
        return self._condition(observations, shown)

    def actions(self, x0: Tensor, cond: Observed) -> Tensor:
        """Diffusion space to actions (B, Tp, A) in the environment's units, not clipped; what energies look at."""
        return self._codec_on(x0.device).decode(x0, cond)

    def drop(self, cond: Observed) -> Observed:
        """Features and pictures that say nothing; relative actions stay relative."""
        said = {"features": cond.features, "cameras": cond.cameras, "seen": cond.seen, "told": cond.told}
        return replace(cond, **each(torch.zeros_like, said))

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
        if request.clip:
            guides.append(clamp(-request.clip, request.clip))
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

    def _condition(self, observations: Array, cameras: dict[str, Tensor] | None = None) -> Observed:
        statistics = self._need_statistics()
        # What is hidden is known to no feature but those that are told from pictures.
        seen = None if self.hidden else self.observe(observations, self.goal)
        features = statistics.within(observations) if seen is None else statistics.normalise(seen)
        reference = positions(self, observations)
        if statistics.linear:
            reference = reference[:, None] + statistics.line(features)
        return Observed(torch.from_numpy(features).float(), torch.from_numpy(reference).float(), cameras=cameras)

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
