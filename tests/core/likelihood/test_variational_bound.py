"""The variational bound in closed form, and its parts."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from becalm.denoiser import GaussianMixture, NetworkDenoiser
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.likelihood import bits_per_dimension, bound, dequantise
from becalm.likelihood.bound import prior
from becalm.likelihood.decoder import discretised, gaussian
from becalm.process.gaussian import posterior
from becalm.schedule import Cosine, Linear, levels

UNIT = GaussianMixture(*(torch.tensor(value, dtype=torch.float64) for value in ([1.0], [[0.0]], [1.0])))


def nodes(count: int) -> tuple[Tensor, Tensor]:
    """Points and weights of the mean over a standard normal number, exact for polynomials of degree 2 count - 1."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    return torch.tensor(points), torch.tensor(weights / weights.sum())


def test_the_bound_of_unit_normal_data_is_their_entropy() -> None:
    # Each term is a polynomial of degree 2 in x0 and the noise: 2 x 2 nodes take its mean without error.
    points, weights = nodes(2)
    x0, eps = (part.reshape(-1, 1) for part in torch.meshgrid(points, points, indexing="ij"))
    weight = torch.outer(weights, weights).flatten()
    found = bound(UNIT, x0, levels(Linear(), 1000), None, variance="large", noise=lambda like: eps)
    assert found.steps.shape == (4, 999)
    assert float((found.total * weight).sum()) == pytest.approx(0.5 * math.log(2 * math.pi * math.e), abs=1e-9)


def test_the_prior_term_is_the_divergence_of_two_normals() -> None:
    level, x0 = Linear()(torch.tensor(1.0)), torch.tensor([[-1.0], [0.3]]).double()
    mean, variance = level.alpha * x0, level.sigma**2
    wanted = 0.5 * (variance + mean**2 - 1 - variance.log())
    torch.testing.assert_close(prior(x0, level), wanted, rtol=0, atol=1e-12)
    assert float(prior(x0, Cosine()(torch.tensor(1.0))).abs().max()) < 1e-12


@pytest.mark.parametrize(("output", "end"), [(-1.0, 0), (1.0, 1)])
def test_a_learned_variance_at_its_ends_is_the_small_and_the_large_one(output: float, end: int) -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
            return torch.cat([torch.zeros_like(x), torch.full_like(x, output)], dim=1)

    denoise = NetworkDenoiser[None](Constant(), "x0", learned=True)
    path, x0 = levels(Linear(), 20), torch.zeros(2, 1, dtype=torch.float64)
    for now, to in zip(path[:-2], path[1:-1], strict=True):
        _, log_variance = denoise.moments(x0, now, to, None)
        wanted = posterior(now.alpha, now.sigma, to.alpha, to.sigma)[2 + end]
        torch.testing.assert_close(log_variance.exp(), wanted.expand(2, 1), rtol=1e-12, atol=1e-12)
    learned = bound(denoise, x0, path, None, variance="learned")
    fixed = bound(denoise, x0, path, None, variance="large" if end else "small")
    torch.testing.assert_close(learned.total, fixed.total, rtol=1e-12, atol=1e-12)


def test_the_discretised_decoder_is_a_distribution_over_the_values() -> None:
    values = torch.linspace(-1, 1, 256, dtype=torch.float64)
    for mean, std in ((0.2, 0.1), (-1.3, 0.01), (0.5, 1e-3)):
        log_variance = torch.tensor(2 * math.log(std), dtype=torch.float64)
        nats = discretised(values, torch.tensor(mean, dtype=torch.float64), log_variance, 256)
        assert bool(nats.isfinite().all())
        assert float((-nats).exp().sum()) == pytest.approx(1, abs=1e-9)
    # Wide against the distance of values it is the density times that distance.
    log_variance = torch.zeros((), dtype=torch.float64)
    inner, zero = values[1:-1], torch.zeros((), dtype=torch.float64)
    offset = -math.log(2 / 255)
    torch.testing.assert_close(
        discretised(inner, zero, log_variance, 256), gaussian(inner, zero, log_variance) + offset, rtol=0, atol=1e-5
    )


def test_uniform_noise_costs_nothing_and_a_cut_normal_what_its_density_is() -> None:
    data = torch.arange(4000).reshape(-1, 1)
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator)

    noisy, spent = dequantise(data, noise)
    assert bool((noisy.round() == data).all()) and float(spent.abs().max()) == 0
    for std in (0.1, 0.3, 2.0):
        noisy, spent = dequantise(data, noise, std)
        assert bool(((noisy - data).abs() <= 0.5).all())
        # E 1 / q is the width of the interval.
        assert float((-spent).exp().mean()) == pytest.approx(1, abs=0.2 if std == 0.1 else 0.05)


def test_a_uniform_density_over_256_values_is_eight_bits() -> None:
    nats = torch.tensor(-3 * math.log(256.0), dtype=torch.float64)
    assert float(bits_per_dimension(nats, 3)) == pytest.approx(8, abs=1e-12)


def test_what_has_no_bound_is_refused_in_a_sentence() -> None:
    x0 = torch.zeros(1, 1).double()
    with pytest.raises(UserError, match="descends from noise to clean"):
        bound(UNIT, x0, levels(Cosine(), 3)[:-1], None)
    with pytest.raises(UserError, match="no learned variance"):
        bound(UNIT, x0, levels(Cosine(), 3), None, variance="learned")
    with pytest.raises(UserError, match=r"^values must be at least 2, got 1$"):
        bound(UNIT, x0, levels(Cosine(), 3), None, values=1)
