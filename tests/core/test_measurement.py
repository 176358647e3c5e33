"""Guidance by a measurement: exact where data are Gaussian, per sample everywhere."""

from typing import Any

import pytest
import torch
from guided import at_time, draw
from torch import Tensor

from becalm.errors import UserError
from becalm.guidance import Measurement, MomentMatching, PseudoInverse, hold
from becalm.level import NoiseLevel
from becalm.sampler import DPMpp2M, sample
from becalm.schedule import Cosine, levels

SIZE, READINGS = 5, 3
ROOT = draw(SIZE, SIZE, seed=1)
COVARIANCE = ROOT @ ROOT.T / SIZE + 0.1 * torch.eye(SIZE, dtype=torch.float64)
MEAN = draw(SIZE, seed=2)
OPERATOR = draw(READINGS, SIZE, seed=3)


def estimate(x: Tensor, level: NoiseLevel, covariance: Tensor) -> Tensor:
    """E[x0 | x] of data N(MEAN, covariance)."""
    noisy = level.alpha**2 * covariance + level.sigma**2 * torch.eye(len(covariance), dtype=torch.float64)
    gain = level.alpha * torch.linalg.solve(noisy, covariance)
    return MEAN + (x - level.alpha * MEAN) @ gain


def gaussian(x: Tensor, level: NoiseLevel, cond: Any = None) -> Tensor:
    return estimate(x, level, COVARIANCE)


def read(x0: Tensor) -> Tensor:
    return x0 @ OPERATOR.T


def exact(x: Tensor, level: NoiseLevel, y: Tensor, std: float) -> Tensor:
    """E[x0 | x, y] in closed form, x and y as readings of one Gaussian."""
    both = torch.cat([level.alpha * torch.eye(SIZE, dtype=torch.float64), OPERATOR])
    noise = torch.cat([level.sigma.expand(SIZE) ** 2, torch.full((READINGS,), std**2, dtype=torch.float64)]).diag()
    gain = torch.linalg.solve(both @ COVARIANCE @ both.T + noise, both @ COVARIANCE).T
    return MEAN + (torch.cat([x, y.expand(len(x), -1)], 1) - MEAN @ both.T) @ gain.T


@pytest.mark.parametrize("iterations", [READINGS, None])
@pytest.mark.parametrize("std", [0.0, 0.3])
@pytest.mark.parametrize("t", [0.01, 0.4, 0.9])
def test_moment_matching_is_the_conditional_mean_of_gaussian_data(t: float, std: float, iterations: int | None) -> None:
    level, x, y = at_time(t), draw(4, SIZE), draw(READINGS, seed=5)
    guided = MomentMatching(Measurement(read, y, std), iterations)(gaussian)(x, level, None)
    torch.testing.assert_close(guided, exact(x, level, y, std), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_the_twist_of_gaussian_data_is_the_likelihood(t: float) -> None:
    level, x, y, std = at_time(t), draw(6, SIZE), draw(READINGS, seed=5), 0.3
    noisy = level.alpha**2 * COVARIANCE + level.sigma**2 * torch.eye(SIZE, dtype=torch.float64)
    left = COVARIANCE - level.alpha**2 * COVARIANCE @ torch.linalg.solve(noisy, COVARIANCE)
    spread = OPERATOR @ left @ OPERATOR.T + std**2 * torch.eye(READINGS, dtype=torch.float64)
    right = torch.distributions.MultivariateNormal(gaussian(x, level) @ OPERATOR.T, spread).log_prob(y)
    found = MomentMatching(Measurement(read, y, std), None).twist(gaussian, x, level, None).log_likelihood
    torch.testing.assert_close(found - found[0], right - right[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_the_pseudo_inverse_is_moment_matching_of_white_data(t: float) -> None:
    def white(x: Tensor, level: NoiseLevel, cond: Any = None) -> Tensor:
        return estimate(x, level, torch.eye(SIZE, dtype=torch.float64))

    level, x = at_time(t), draw(4, SIZE)
    measurement = Measurement(read, draw(4, READINGS, seed=5), 0.3)
    torch.testing.assert_close(
        PseudoInverse(measurement)(white)(x, level, None),
        MomentMatching(measurement, None)(white)(x, level, None),
        rtol=1e-8,
        atol=1e-8,
    )


def test_holding_entries_is_a_measurement_without_error() -> None:
    level, x, known = at_time(0.5), draw(4, SIZE), draw(SIZE, seed=9)
    mask = torch.tensor([True, False, True, False, False])
    measured = MomentMatching(Measurement(lambda x0: x0[:, mask], known[mask], 0.0), 2)(gaussian)(x, level, None)
    torch.testing.assert_close(hold(known, mask, iterations=2)(gaussian)(x, level, None), measured)


def test_one_number_read_with_an_error_samples_its_posterior() -> None:
    # N(0, 1) read as 1 with variance .25: mean .8, standard deviation .447.
    def normal(x: Tensor, level: NoiseLevel, cond: Any = None) -> Tensor:
        return level.alpha * x / (level.alpha**2 + level.sigma**2)

    guided = MomentMatching(Measurement(lambda x0: x0, torch.tensor([1.0]), 0.5))(normal)
    start = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    low, high = sample(DPMpp2M()(guided, start, levels(Cosine(), 400), None))[:, 0].tolist()
    assert low == pytest.approx(0.8, rel=0.01) and high - low == pytest.approx(0.2**0.5, rel=0.01)


def test_a_curved_operator_is_taken_as_linear_at_the_estimate() -> None:
    level, x, y = at_time(0.5), draw(4, SIZE), draw(READINGS, seed=5)
    x0 = gaussian(x, level)
    slope = (1 - torch.tanh(read(x0)) ** 2)[:, :, None] * OPERATOR
    curved = MomentMatching(Measurement(lambda x0: torch.tanh(read(x0)), y, 0.2), None)(gaussian)(x, level, None)
    for number in range(4):
        shift = y - torch.tanh(read(x0[number])) + slope[number] @ x0[number]
        flat = Measurement(lambda x0, way=slope[number]: x0 @ way.T, shift, 0.2)  # type: ignore[misc]
        alone = MomentMatching(flat, None)(gaussian)(x[number : number + 1], level, None)
        torch.testing.assert_close(curved[number : number + 1], alone, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("guide", [MomentMatching, PseudoInverse])
def test_a_measurement_that_does_not_fit_is_refused_in_a_sentence(guide: Any) -> None:
    for y, said in ((draw(2), "shape of a reading"), (draw(3, READINGS), "readings of 3 samples")):
        with pytest.raises(UserError, match=said):
            guide(Measurement(read, y, 0.1))(gaussian)(draw(4, SIZE), at_time(0.5), None)
    with pytest.raises(UserError, match="std must be at least 0"):
        Measurement(read, draw(READINGS), -1.0)
    with pytest.raises(UserError, match="iterations must be at least 1, got 0"):
        MomentMatching(Measurement(read, draw(READINGS), 0.1), 0)


def test_a_measurement_s_energy_is_its_negative_log_likelihood() -> None:
    x, y, level = draw(4, SIZE), draw(READINGS, seed=5), at_time(0.5)
    right = -torch.distributions.Normal(x @ OPERATOR.T, 0.3).log_prob(y).sum(1)
    found = Measurement(read, y, 0.3).energy(x, level, None)
    torch.testing.assert_close(found - found[0], right - right[0])
