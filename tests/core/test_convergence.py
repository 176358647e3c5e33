"""Samplers of the ODE converge to its exact solution, each at its order.

On N(m, s^2) data the ODE keeps (x - alpha m) / sqrt(alpha^2 s^2 + sigma^2) constant. Paths end at a noisy level: the
step to clean is infinitely long in log(alpha / sigma), so no order can be seen through it.
"""

import functools
import math

import pytest
import torch
from known import at_times, double, even_in_log_snr, one_gaussian, seeded, three_gaussians
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DPMpp2M, DPMpp3M, Euler, Heun, Sampler, UniPC, sample
from becalm.schedule import Cosine, Flow, NoiseSchedule, Sigmoid, VarianceExploding, levels, time_of_ratio

ORDERS = [
    pytest.param(Euler(), 0.9, 1.1, id="euler"),
    pytest.param(DDIM(), 0.9, 1.1, id="ddim"),
    pytest.param(Heun(), 1.85, 2.15, id="heun"),
    pytest.param(DPMpp2M(), 1.85, 2.15, id="2m"),
    pytest.param(UniPC(1), 1.85, 2.15, id="unipc1"),
    pytest.param(UniPC(2), 2.6, 3.2, id="unipc2"),
    pytest.param(DPMpp3M(), 2.6, math.inf, id="3m"),
    pytest.param(UniPC(3), 2.6, math.inf, id="unipc3"),
]
START = double([[1.3], [-0.8], [0.1]])
DATA, MIXTURE = one_gaussian(), three_gaussians()


def order(errors: list[float]) -> float:
    return math.log2(errors[0] / errors[-1]) / (len(errors) - 1)


def solution(data: GaussianMixture, path: list[NoiseLevel], x: Tensor) -> Tensor:
    first, last = (((level.alpha * data.stds) ** 2 + level.sigma**2).sqrt() for level in (path[0], path[-1]))
    return path[-1].alpha * data.means[0] + last / first * (x - path[0].alpha * data.means[0])


@pytest.mark.parametrize(("sampler", "low", "high"), ORDERS)
@pytest.mark.parametrize(("noisy", "clean"), [(-4.0, 3.0), (-1.0, 3.0), (-2.0, 2.0)])
def test_samplers_have_their_order_in_log_snr(
    sampler: Sampler,
    low: float,
    high: float,
    noisy: float,
    clean: float,
) -> None:
    errors = []
    for steps in (48, 96):
        path = even_in_log_snr(noisy, clean, steps)
        found = sample(sampler(DATA, START, path, None))
        errors.append(float((found - solution(DATA, path, START)).abs().max()))
    assert low <= order(errors) <= high


@pytest.mark.parametrize(("sampler", "low", "high"), ORDERS)
@pytest.mark.parametrize(
    "schedule", [Cosine(), Sigmoid(), Flow(), VarianceExploding(low=0.02, high=20)], ids=lambda s: s.kind
)
def test_samplers_have_their_order_in_time(
    schedule: NoiseSchedule,
    sampler: Sampler,
    low: float,
    high: float,
) -> None:
    early, late = (float(time) for time in time_of_ratio(schedule, double([8.0, 0.1])))
    errors = []
    for steps in (120, 240):
        path = at_times(schedule, torch.linspace(early, late, steps + 1, dtype=torch.float64))
        found = sample(sampler(DATA, START, path, None))
        errors.append(float((found - solution(DATA, path, START)).abs().max()))
    assert low <= order(errors) <= high


@functools.cache
def fine_solution() -> Tensor:
    return sample(UniPC(3)(MIXTURE, seeded(32, 4), even_in_log_snr(-3.0, 3.0, 900), None))


@pytest.mark.parametrize(("sampler", "low", "high"), ORDERS)
def test_samplers_have_their_order_on_a_mixture(sampler: Sampler, low: float, high: float) -> None:
    errors = []
    for steps in (150, 300):
        found = sample(sampler(MIXTURE, seeded(32, 4), even_in_log_snr(-3.0, 3.0, steps), None))
        errors.append(float((found - fine_solution()).square().mean().sqrt()))
    # The third orders have not settled yet and run higher.
    assert low <= order(errors) <= (high if high < 3 else math.inf)


def test_euler_without_churn_is_ddim_without_noise() -> None:
    x = seeded(32, 4)
    path = levels(Cosine(), 20)
    one, other = (sample(sampler(MIXTURE, x, path, None)) for sampler in (Euler(), DDIM()))
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "sampler", [DDIM(), DPMpp2M(), DPMpp3M(), UniPC(3)], ids=lambda sampler: type(sampler).__name__
)
def test_whole_paths_from_pure_noise_end_at_the_exact_sample(sampler: Sampler) -> None:
    # From pure noise z the solution is m + s z.
    path = levels(Cosine(), 500)
    found = sample(sampler(DATA, START, path, None))
    torch.testing.assert_close(found, DATA.means[0] + DATA.stds * START, rtol=0, atol=3e-2)


@pytest.mark.parametrize("data", [0.0, 0.5])
@pytest.mark.parametrize(
    "sampler", [DDIM(), DPMpp2M(), DPMpp3M(), UniPC(3)], ids=lambda sampler: type(sampler).__name__
)
def test_one_point_of_data_is_reached_exactly_in_any_number_of_steps(sampler: Sampler, data: float) -> None:
    point = double([[data, -1.0]])
    mixture = GaussianMixture(double([1.0]), point, double([0.0]))
    for steps in (1, 2, 3, 7):
        found = [step.x for step in sampler(mixture, START[:, :1].repeat(1, 2), levels(Cosine(), steps), None)][-1]
        torch.testing.assert_close(found, point.expand(3, 2), rtol=1e-12, atol=1e-12)
