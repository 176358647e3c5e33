"""The term that trains a learned variance: its value, its minimum, its gradient."""

import math

import torch
from torch.distributions import Normal, kl_divergence

from becalm.level import NoiseLevel
from becalm.objective.bound import STEPS, earlier, step_bound
from becalm.process.gaussian import posterior
from becalm.schedule import Cosine


def _levels(t: float) -> tuple[NoiseLevel, NoiseLevel]:
    time = torch.tensor(t, dtype=torch.float64)
    return Cosine()(time), Cosine()(earlier(time))


def test_the_bound_is_the_kl_of_the_two_gaussians_in_bits() -> None:
    level, before = _levels(0.4)
    x, x0, estimate = (torch.tensor([value], dtype=torch.float64) for value in (0.3, -0.5, 0.1))
    keep, change, small, large = posterior(level.alpha, level.sigma, before.alpha, before.sigma)
    for share in (0.0, 0.3, 1.0):
        std = torch.exp(0.5 * (share * large.log() + (1 - share) * small.log()))
        oracle = kl_divergence(
            Normal(keep * x + change * x0, small.sqrt()), Normal(keep * x + change * estimate, std)
        ) / math.log(2)
        found = step_bound(level, before, x0, estimate, torch.tensor([share], dtype=torch.float64))
        assert torch.allclose(found, oracle, rtol=1e-9)


def test_a_perfect_estimate_with_the_small_variance_costs_nothing() -> None:
    level, before = _levels(0.7)
    x0 = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert step_bound(level, before, x0, x0, torch.zeros(5, dtype=torch.float64)).abs().max() < 1e-12


def test_the_best_variance_is_the_posterior_of_gaussian_data() -> None:
    """For x0 of unit variance the exact reverse variance is small + change^2 Var[x0 | x], and the bound finds it."""
    level, before = _levels(0.5)
    _, change, small, large = posterior(level.alpha, level.sigma, before.alpha, before.sigma)
    spread = level.sigma**2 / (level.alpha**2 + level.sigma**2)
    exact = ((small + change**2 * spread).log() - small.log()) / (large.log() - small.log())
    error = spread.sqrt() * torch.randn(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    shares = torch.linspace(0, 1, 101, dtype=torch.float64)
    costs = torch.stack([step_bound(level, before, error, torch.zeros_like(error), share).mean() for share in shares])
    assert abs(float(shares[costs.argmin()] - exact)) < 0.02


def test_no_gradient_flows_into_the_estimate() -> None:
    level, before = _levels(0.5)
    estimate, share = torch.zeros(3, requires_grad=True), torch.full((3,), 0.5, requires_grad=True)
    step_bound(level, before, torch.ones(3), estimate, share).sum().backward()
    assert estimate.grad is None
    assert share.grad is not None


def test_the_step_before_is_nearer_to_clean_at_every_time_and_clean_below_the_second() -> None:
    time = torch.cat([torch.logspace(-9, 0, 200, dtype=torch.float64)])
    level, before = Cosine()(time), Cosine()(earlier(time))
    assert (before.sigma < level.sigma).all()
    assert torch.equal(before.sigma == 0, time < 2 / STEPS)


def test_no_error_of_the_estimate_costs_without_end_as_noise_vanishes() -> None:
    # 1000 times the term at weight .001 is what a training adds to its loss: of an error of .1 at most 72.
    x0 = torch.zeros(1, dtype=torch.float64)
    for t in torch.logspace(-9, -0.01, 100, dtype=torch.float64):
        level, before = Cosine()(t), Cosine()(earlier(t))
        for share in (0.0, 0.5, 1.0):
            bits = step_bound(level, before, x0, x0 + 0.1, torch.full((1,), share, dtype=torch.float64))
            assert 0 <= float(bits) < 0.5 * 0.1**2 / 1e-4 / math.log(2) + 1e-6
