"""Twisted particles: guidance with a guarantee, by several walkers per sample that are weighted and resampled.

    w <- w  p(y | x') / p(y | x)  p(x' | x) / q(x' | x)

p(x' | x) is the step with the plain estimate, q with the guided one, and p(y | x) about how likely the target is from
x: the twist. Whatever twist and guidance are, more particles come nearer to the posterior; the better they are, the
fewer it takes (Wu et al. 2023, algorithm 1; twist and proposal by moment matching as Boys et al. 2024 have the
moments).

A sample's particles are its own: they share its owner and its noise, so sample i is the same in any company. They are
resampled, systematically, where the effective number is below half of them. One of them is the sample, drawn by weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from becalm.errors import UserError
from becalm.sampler.ddim import DDIM
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.guidance.twist import Twisted
    from becalm.level import NoiseLevel
    from becalm.path import Path


class Population(NamedTuple):
    """The particles of all samples after a step; ``Step.carry`` of a run of particles.

    Attributes:
        x: (P, N, ...): one row of each particle after another.
        log_weights: (P, B), normalised: their exponentials are each sample's shares.
        log_likelihood: (P, B) the twist, log p(y | x) where the step began.
        pending: (P, B) log p - log q of the step, which counts with the next twist.
    """

    x: Tensor
    log_weights: Tensor
    log_likelihood: Tensor
    pending: Tensor

    @property
    def effective(self) -> Tensor:
        """The effective number of particles of each sample, (B,) (Kong et al. 1994)."""
        return (-(2 * self.log_weights).logsumexp(0)).exp()


class Particles(Sampler):
    """A sampler with noise, several walkers per sample, and a target; one call for ``count`` times the rows a step.

    Attributes:
        sampler: What each particle walks by.
        energy: -log p(y | x0) of the clean sample, one number each, which becomes ``Descend(energy, 1, "through")``;
            or a guidance that knows its likelihood, such as ``MomentMatching``. The denoiser that the sampler is called
            with has no guidance by it.
        count: Particles of each sample; 8 where the target is one of a few measurements.
    """

    kind: Literal["particles"] = "particles"
    sampler: DDIM = Field(DDIM(eta=1.0), description="What each particle walks by; eta above 0.")
    energy: Any = Field(description="An energy, or a guidance that knows its likelihood.")
    count: int = Field(8, ge=1, description="Particles of each sample.")

    @field_validator("sampler")
    @classmethod
    def _noisy(cls, sampler: DDIM) -> DDIM:
        if not sampler.eta > 0:
            raise ValueError(f"particles need a sampler with noise: eta must be above 0, got {sampler.eta:g}")
        return sampler

    @field_validator("energy")
    @classmethod
    def _twisted(cls, energy: Any) -> Any:
        if not callable(energy):
            raise ValueError(
                f"energy must be an energy or a guidance that knows its likelihood, got {type(energy).__name__}"
            )
        return energy

    @property
    def twisted(self) -> Twisted:
        """The guidance that particles move and are weighted by."""
        from becalm.guidance.descend import Descend
        from becalm.guidance.twist import Twisted

        return self.energy if isinstance(self.energy, Twisted) else Descend(self.energy, 1.0, "through")

    def along(self, path: Path) -> Path:
        if any(path.rises):
            raise UserError("particles walk down only: the path must not go up")
        return path

    def rows(self, path: Path) -> Sequence[Row]:
        return self.sampler.rows(path)

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        import torch

        from becalm.batch import sum_per_sample
        from becalm.cond import owner_of, take
        from becalm.sampler.particles.resampling import pick, resample, uniform

        keep, change, std = row
        owner, many = owner_of(known.cond), known.cond
        place = torch.arange(len(x), device=x.device)
        first = place if owner is None else owner
        samples = len(x) if owner is None else int(owner[-1]) + 1
        if many is not None and self.count > 1:
            many = take(many, torch.arange(samples, device=x.device).repeat(self.count))
        here = x.expand(self.count, *x.shape) if carry is None else carry.x
        rows = here.reshape(-1, *x.shape[1:])
        twist = self.twisted.twist(known.denoise, rows, now, many)
        likelihood = twist.log_likelihood.detach().double().reshape(self.count, samples)
        weights = _weigh(likelihood, carry)
        chance = uniform(noise, x, owner, samples)
        ancestor, weights = resample(weights, chance[0])
        index = (ancestor[:, first] * len(x) + place).flatten()
        rows, plain, guided = (value.index_select(0, index) for value in (rows, twist.x0, twist.guided))
        moved, pending = rows * keep + guided * change, torch.zeros_like(weights)
        if std is not None:
            z = noise(x.new_empty(len(x), self.count, *x.shape[1:])).movedim(1, 0).reshape(rows.shape)
            moved = moved + z * std
            # log p - log q of the step made, of which the squares of z are left out on both sides.
            shift = ((guided - plain) * (change / std)).double()
            pending = -sum_per_sample(shift * (z.double() + shift / 2), owner_of(many)).reshape(weights.shape)
        population = Population(moved.reshape(here.shape), weights, likelihood.gather(0, ancestor), pending)
        chosen = pick(weights + pending, chance[1])[first] * len(x) + place
        return moved.index_select(0, chosen), guided.index_select(0, chosen), population


def _weigh(likelihood: Tensor, before: Population | None) -> Tensor:
    """The log weights once the twist is known where the last step ended, (P, B); all alike at first."""
    if before is None:
        weights = likelihood.new_zeros(likelihood.shape)
    else:
        weights = before.log_weights + before.pending + likelihood - before.log_likelihood
    return weights - weights.logsumexp(0)
