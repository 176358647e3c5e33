"""The variational bound: what a reverse chain of Gaussians over a path needs at most to say a sample.

    -log p(x0) <= L_T + sum_t L_t + L_0
    L_T = KL(q(x_T | x0) || prior),   L_t = KL(q(x_s | x_t, x0) || p(x_s | x_t)),   L_0 = -log p(x0 | x_1)

(Sohl-Dickstein et al. 2015; Ho et al. 2020, eq. 5.) L_T is a closed form, each L_t one draw of x_t. The step to clean
is a decoder (``decoder``), so that no prediction makes a term infinite.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeVar

import torch
from torch import Tensor

from becalm.batch import sum_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, VarianceDenoiser
from becalm.device import outside_inference
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.likelihood.decoder import discretised, gaussian
from becalm.likelihood.trace import Noise
from becalm.noise import Purpose, stream
from becalm.path import Path
from becalm.process.gaussian import posterior

C = TypeVar("C")
Variance = Literal["small", "large", "learned"]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A bound in its parts, in nats; float64.

    Attributes:
        prior: (B,) L_T.
        steps: (B, T - 1) L_t; column k is of the step from the path's level k to the next.
        decoder: (B,) L_0; of values as probability, else as density, and so below 0 at times.
    """

    prior: Tensor
    steps: Tensor
    decoder: Tensor

    @property
    def total(self) -> Tensor:
        """(B,) the bound on -log p(x0)."""
        return self.prior + self.steps.sum(1) + self.decoder


def bound(
    denoise: Denoiser[C],
    x0: Tensor,
    path: Path,
    cond: C,
    *,
    variance: Variance = "small",
    values: int | None = None,
    noise: Noise | None = None,
) -> Bound:
    """The bound of samples under ancestral sampling along a path, as ``DDPM`` walks it.

    Args:
        x0: (N, ...) rows in diffusion space.
        path: Noisy to clean, of T steps; a call of the denoiser each.
        variance: Of the steps, as ``DDPM``'s. The step to clean has sigma_1^2 for ``large``, for ``small`` the variance
            of the step before it (Nichol and Dhariwal 2021, section 3.1), for ``learned`` what lies between these.
        values: Number of values that an entry of x0 can have, evenly spaced in [-1, 1], such as 256; None for a
            Gaussian density.
        noise: Standard normal numbers like a tensor, one draw for each step; by default those of seed 0, sample i.

    Raises:
        UserError: If the path does not descend to clean, or the denoiser has no variance to be ``learned``.
    """
    if len(path) < 2 or any(path.rises) or bool((path.sigma[-1] != 0).any()):
        raise UserError("a bound needs a path that descends from noise to clean")
    if values is not None and values < 2:
        raise UserError(f"values must be at least 2, got {values}")
    owner = owner_of(cond)
    with outside_inference(), torch.no_grad():
        if noise is None:
            noise = stream(0, torch.arange(len(x0), device=x0.device) if owner is None else owner, Purpose.PROBE)
        true, levels, terms = x0.double(), path.on(x0), []
        for index, (now, to) in enumerate(pairwise(levels)):
            x = now.mix(true, noise(x0).double()).to(x0)
            decoding = index == len(path) - 2
            last = levels[max(index - 1, 0)], now
            mean, log_variance, small = _reverse(denoise, x, now, to, cond, variance, last if decoding else None)
            if not decoding:
                # Both means hold the same share of x, so they differ by that of x0 and its estimate.
                change = posterior(now.alpha, now.sigma, to.alpha, to.sigma)[1]
                entries = _kl(change * (true - mean), small, log_variance)
            else:
                entries = gaussian(true, mean, log_variance)
                if values is not None:
                    entries = discretised(true, mean, log_variance, values)
            terms.append(sum_per_sample(entries, owner))
        first = sum_per_sample(prior(true, levels[0]), owner)
        return Bound(first, torch.stack(terms[:-1], 1) if terms[1:] else first.new_zeros(len(first), 0), terms[-1])


def prior(x0: Tensor, level: NoiseLevel) -> Tensor:
    """L_T of each entry: KL(N(alpha x0, sigma^2) || N(0, alpha^2 + sigma^2)), in nats."""
    share = level.ratio**2
    # log(sigma^2 / total^2) = -log1p((alpha / sigma)^2): no digits lost at nearly pure noise.
    return 0.5 * ((x0**2 - 1) / (1 + share) + torch.log1p(1 / share))


def _kl(distance: Tensor, true: Tensor, log_variance: Tensor) -> Tensor:
    """KL of a Gaussian of variance ``true`` from one at a distance, in nats."""
    excess = log_variance - true.log()
    return 0.5 * (excess + torch.expm1(-excess) + distance**2 / log_variance.exp())


def _reverse(
    denoise: Denoiser[C],
    x: Tensor,
    now: NoiseLevel,
    to: NoiseLevel,
    cond: C,
    variance: Variance,
    last: tuple[NoiseLevel, NoiseLevel] | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The estimate of x0, the log variance of p(x_to | x_now), and the posterior's variance.

    Args:
        last: Of the step to clean, the levels of the step before it; None for others.
    """
    ends = posterior(now.alpha, now.sigma, to.alpha, to.sigma)[2:]
    if last is not None:
        before = posterior(last[0].alpha, last[0].sigma, now.alpha, now.sigma)[2]
        ends = (before if bool((before > 0).all()) else now.sigma**2, now.sigma**2)
    small, large = ends
    if variance != "learned":
        return denoise(x, now, cond).double(), (large if variance == "large" else small).log(), small
    if not isinstance(denoise, VarianceDenoiser):
        raise UserError("this denoiser has no learned variance: use variance small or large")
    estimate, log_variance = denoise.moments(x, now, to if last is None else _middle(now), cond)
    if last is not None:
        # To clean the small variance is 0; where the network lies between the two is asked of a step that has both.
        here, there = (value.log() for value in posterior(now.alpha, now.sigma, *_ends(_middle(now)))[2:])
        share = (log_variance.double() - here) / (there - here)
        return estimate.double(), torch.lerp(small.log().to(share), large.log().to(share), share), small
    return estimate.double(), log_variance.double(), small


def _middle(now: NoiseLevel) -> NoiseLevel:
    """A level of half the variance of another one."""
    sigma = now.sigma / 2**0.5
    return NoiseLevel(now.t / 2, (now.total_std**2 - sigma**2).sqrt(), sigma)


def _ends(level: NoiseLevel) -> tuple[Tensor, Tensor]:
    return level.alpha, level.sigma
