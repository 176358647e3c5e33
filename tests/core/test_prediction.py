"""What a network learns and what its output means are inverse to each other, at every level."""

import math
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known import ALL, double, seeded, three_gaussians
from torch import Tensor, nn

from becalm.denoiser import GaussianMixture, NetworkDenoiser, Prediction, clean, pair, target
from becalm.level import NoiseLevel
from becalm.schedule import (
    Cosine,
    Flow,
    Karras,
    NoiseSchedule,
)

KINDS: tuple[Prediction, ...] = get_args(Prediction)
TIMES = [0.0, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 1 - 1e-6, 1 - 1e-9, 1.0]


def loss_of_digits(kind: Prediction, level: NoiseLevel) -> float:
    """How much x0 = (q x - sigma F) / (q alpha - sigma p) magnifies rounding: its terms' size over the result's."""
    if kind in ("eps", "score"):
        return float((level.alpha + level.sigma) / level.alpha)
    return 4.0


def draws(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x0, eps = torch.randn(2, 64, 3, generator=generator, dtype=torch.float64).to(dtype)
    return x0, eps


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: schedule.kind)
def test_clean_undoes_target(schedule: NoiseSchedule, kind: Prediction, dtype: torch.dtype) -> None:
    x0, eps = draws(dtype)
    for t in TIMES:
        exact = schedule(double(t))
        if kind in ("eps", "score") and float(exact.alpha) == 0:
            continue
        for level in (exact, exact.to(x0)):  # Levels as a path holds them, and as a network is handed them.
            output = target(kind, level, x0, eps)
            found = clean(kind, level, level.mix(x0, eps), output)
            assert output.dtype == found.dtype == dtype
            tolerance = 8 * torch.finfo(dtype).eps * loss_of_digits(kind, level)
            torch.testing.assert_close(found, x0, rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: schedule.kind)
def test_a_level_per_sample_is_that_level_for_each(schedule: NoiseSchedule, kind: Prediction) -> None:
    x0, eps = draws(torch.float64)
    t = torch.linspace(0, 0.99, 64, dtype=torch.float64)
    level = schedule(t).spread(x0)
    together = clean(kind, level, level.mix(x0, eps), target(kind, level, x0, eps))
    torch.testing.assert_close(together, x0, rtol=1e-9, atol=1e-9)
    for row in (0, 17, 63):
        one = schedule(t[row])
        assert torch.equal(target(kind, one, x0[row], eps[row]), target(kind, level, x0, eps)[row])


@pytest.mark.parametrize("kind", KINDS)
@given(t=st.floats(0, 0.999), scale=st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_common_factor_of_alpha_and_sigma_changes_no_estimate_of_v(kind: Prediction, t: float, scale: float) -> None:
    # Variance-preserving and variance-exploding levels of one sigma / alpha are the same level seen at two sizes.
    x0, eps = draws(torch.float64)
    level = Cosine()(double(t))
    other = NoiseLevel(level.t, level.alpha * scale, level.sigma * scale)
    output = target(kind, level, x0, eps)
    torch.testing.assert_close(target(kind, other, x0, eps), output, rtol=1e-12, atol=1e-12)
    found = clean(kind, other, other.mix(x0, eps), output)
    torch.testing.assert_close(found, x0, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: schedule.kind)
def test_noise_and_score_follow_from_the_clean_sample(schedule: NoiseSchedule) -> None:
    x0, eps = draws(torch.float64)
    for t in TIMES:
        level = schedule(double(t))
        if float(level.sigma) == 0:
            continue
        x, tolerance = level.mix(x0, eps), 1e-14 / float(level.sigma) + 1e-14
        torch.testing.assert_close(level.eps(x, x0), eps, rtol=1e-9, atol=10 * tolerance)
        torch.testing.assert_close(level.score(x, x0) * level.sigma, -eps, rtol=1e-9, atol=10 * tolerance)


def test_v_is_the_papers() -> None:
    x0, eps = draws(torch.float64)
    level = Cosine()(torch.tensor(0.37, dtype=torch.float64))
    torch.testing.assert_close(
        target("v", level, x0, eps), level.alpha * eps - level.sigma * x0, rtol=1e-14, atol=1e-14
    )
    assert torch.equal(target("flow", level, x0, eps), eps - x0)


def test_an_unknown_prediction_is_refused_in_a_sentence() -> None:
    kind: Any = "velocity"
    with pytest.raises(ValueError, match=r"^prediction must be one of x0, eps, v, flow, score, got 'velocity'$"):
        pair(kind, Cosine()(torch.tensor(0.5)))


class Perfect(nn.Module):
    """A network that has learned its target to the last digit; it is handed x / sqrt(alpha^2 + sigma^2)."""

    def __init__(self, kind: Prediction, mixture: GaussianMixture) -> None:
        super().__init__()
        self.kind, self.mixture = kind, mixture

    def forward(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        x = x * level.total_std
        x0 = self.mixture(x, level)
        return target(self.kind, level, x0, level.eps(x, x0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: schedule.kind)
def test_a_perfect_network_is_the_exact_denoiser(schedule: NoiseSchedule, kind: Prediction) -> None:
    mixture = three_gaussians()
    denoise = NetworkDenoiser[None](Perfect(kind, mixture), kind)
    for t in (1e-6, 0.01, 0.5, 0.99):
        level = schedule(double(t))
        x = level.total_std * seeded(8, 4)
        torch.testing.assert_close(denoise(x, level, None), mixture(x, level), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("schedule", [Cosine(), Flow(), Karras()], ids=lambda schedule: schedule.kind)
def test_the_mixtures_estimate_is_the_mean_of_the_posterior(schedule: NoiseSchedule) -> None:
    weights, means, stds = double([[0.3, 0.7], [-1.0, 0.8], [0.2, 0.5]])
    mixture = GaussianMixture(weights, means[:, None], stds)
    grid = torch.linspace(-6, 6, 40001, dtype=torch.float64)
    prior = (weights * torch.exp(-0.5 * ((grid[:, None] - means) / stds) ** 2) / stds).sum(1)
    for t in (0.05, 0.3, 0.7, 1.0):
        level = schedule(double(t))
        x = torch.linspace(-2, 2, 9, dtype=torch.float64) * level.total_std
        joint = prior * torch.exp(-0.5 * ((x[:, None] - level.alpha * grid) / level.sigma) ** 2)
        mean = (joint * grid).sum(1) / joint.sum(1)
        torch.testing.assert_close(mixture(x[:, None], level)[:, 0], mean, rtol=1e-9, atol=1e-9)
        density = joint.sum(1) * (grid[1] - grid[0]) / (2 * math.pi * level.sigma)
        torch.testing.assert_close(mixture.log_density(x[:, None], level), density.log(), rtol=1e-9, atol=1e-9)


def test_the_estimate_is_the_gradient_of_the_log_density() -> None:
    mixture = three_gaussians()
    for t in (0.01, 0.5, 0.99):
        level = Cosine()(double(t))
        x = seeded(8, 4).requires_grad_()
        (gradient,) = torch.autograd.grad(mixture.log_density(x, level).sum(), x)
        score = level.score(x, mixture(x, level))
        torch.testing.assert_close(score, gradient, rtol=1e-9, atol=1e-9)


def test_the_mixture_is_exact_at_both_ends() -> None:
    mixture = three_gaussians()
    x = seeded(8, 4)
    zero, one = double(0.0), double(1.0)
    torch.testing.assert_close(mixture(x, NoiseLevel(zero, one, zero)), x, rtol=1e-12, atol=1e-12)
    mean = (mixture.weights[:, None] * mixture.means).sum(0)
    torch.testing.assert_close(mixture(x, NoiseLevel(one, zero, one)), mean.expand(8, 4), rtol=1e-12, atol=1e-12)
