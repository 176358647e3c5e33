"""Twisted particles: guidance with a guarantee, by several walkers per sample that are weighted and resampled.

    w <- w  p(y | x') / p(y | x)  p(x' | x) / q(x' | x)

p(x' | x) is the step with the plain estimate, q with the guided one, and p(y | x) about how likely the target is from
x: the twist. Whatever twist and guidance are, more particles come nearer to the posterior; the better they are, the
fewer it takes (Wu et al. 2023, algorithm 1; twist and proposal by moment matching as Boys et al. 2024 have the
moments).

p and q have one variance, and means that are linear in the estimates of this step and the last, so that a sampler of
second order serves: one of first order leaves a Gaussian of standard deviation .3 a tenth too little variance in 100
steps.

A sample's particles are its own: they share its owner and its noise, so sample i is the same in any company. They are
resampled, systematically, where the effective number is below half of them. One of them is the sample, drawn by weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from becalm.errors import UserError
from becalm.sampler.ddim import DDIM
from becalm.sampler.dpmppsde import DPMppSDE
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
        estimates: (2, P * N, ...) the estimates that the step used of where it began, plain and guided, row by row of
            each particle.
    """

    x: Tensor
    log_weights: Tensor
    log_likelihood: Tensor
    pending: Tensor
    estimates: Tensor

    @property
    def effective(self) -> Tensor:
        """The effective number of particles of each sample, (B,) (Kong et al. 1994)."""
        return (-(2 * self.log_weights).logsumexp(0)).exp()


class Particles(Sampler):
    """A sampler with noise, several walkers per sample, and a target; one call for ``count`` times the rows a step.

    Attributes:
        sampler: What each particle walks by: ``DPMppSDE``, of second order (Lu et al. 2022b), or ``DDIM`` with noise.
        energy: -log p(y | x0) of the clean sample, one number each, which becomes ``Descend(energy, 1, "through")``;
            or a guidance that knows its likelihood, such as ``MomentMatching``. The denoiser that the sampler is called
            with has no guidance by it.
        count: Particles of each sample; 8 where the target is one of a few measurements.
    """

    kind: Literal["particles"] = "particles"
    sampler: DDIM | DPMppSDE = Field(DPMppSDE(), description="What each particle walks by; ddim with eta above 0.")
    energy: Any = Field(description="An energy, or a guidance that knows its likelihood.")
    count: int = Field(8, ge=1, description="Particles of each sample.")

    @field_validator("sampler")
    @classmethod
    def _noisy(cls, sampler: DDIM | DPMppSDE) -> DDIM | DPMppSDE:
        if isinstance(sampler, DDIM) and not sampler.eta > 0:
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
        """Factors of x, of this estimate and of the last one, None where there is none; the noise's deviation."""
        rows = self.sampler.rows(path)
        return [(keep, change, None, std) for keep, change, std in rows] if isinstance(self.sampler, DDIM) else rows

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        import torch

        from becalm.batch import sum_per_sample
        from becalm.cond import owner_of, take
        from becalm.sampler.particles.resampling import pick, resample, uniform

        keep, change, before, std = row
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
        rows, estimates = rows.index_select(0, index), torch.stack((twist.x0, twist.guided)).index_select(1, index)
        toward, pending = estimates * change, torch.zeros_like(weights)
        if before is not None and carry is not None:
            toward = toward + carry.estimates.index_select(1, index) * before
        moved = rows * keep + toward[1]
        if std is not None:
            z = noise(x.new_empty(len(x), self.count, *x.shape[1:])).movedim(1, 0).reshape(rows.shape)
            moved = moved + z * std
            # log p - log q of the step made, of which the squares of z are left out on both sides.
            shift = ((toward[1] - toward[0]) / std).double()
            pending = -sum_per_sample(shift * (z.double() + shift / 2), owner_of(many)).reshape(weights.shape)
        population = Population(moved.reshape(here.shape), weights, likelihood.gather(0, ancestor), pending, estimates)
        chosen = pick(weights + pending, chance[1])[first] * len(x) + place
        return moved.index_select(0, chosen), estimates[1].index_select(0, chosen), population


def _weigh(likelihood: Tensor, before: Population | None) -> Tensor:
    """The log weights once the twist is known where the last step ended, (P, B); all alike at first."""
    if before is None:
        weights = likelihood.new_zeros(likelihood.shape)
    else:
        weights = before.log_weights + before.pending + likelihood - before.log_likelihood
    return weights - weights.logsumexp(0)
