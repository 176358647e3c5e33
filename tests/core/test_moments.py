"""On Gaussian data a chain is affine in x and in its noises, so its mean and variance are found exactly, not estimated.

The sampler runs once, on a batch of which row 0 starts at 0, row 1 at 1, and row 2 + k at 0 with a unit of noise in
step k.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from known import MEAN, STD, at_times, even_in_log_snr, one_gaussian, seeded
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMppSDE, Euler, Heun, Sampler
from becalm.schedule import Cosine, Flow, Karras, Linear, NoiseSchedule, VarianceExploding, betas, levels


def moments(sampler: Sampler, denoise: Any, path: list[NoiseLevel], mean: float, variance: float) -> list[Any]:
    """(mean, variance) at the end of each step, of a chain that starts with the given ones."""
    x = torch.zeros(len(path) + 1, 1, dtype=torch.float64)
    x[1] = 1
    calls = iter(range(2, len(x)))

    def unit(like: Tensor) -> Tensor:
        impulse = torch.zeros_like(like)
        impulse[next(calls)] = 1
        return impulse

    rows = []
    for step in sampler(denoise, x, path, None, unit):
        offset = float(step.x[0])
        gain, added = float(step.x[1, 0]) - offset, float((step.x[2:, 0] - offset).square().sum())
        rows.append((offset + gain * mean, gain**2 * variance + added))
    return rows


def marginal(level: NoiseLevel, mean: float = MEAN, std: float = STD) -> tuple[float, float]:
    return float(level.alpha) * mean, (float(level.alpha) * std) ** 2 + float(level.sigma) ** 2


def ancestral(path: list[NoiseLevel], eta: float, large: bool) -> list[tuple[float, float]]:
    """Song et al. 2021, eq. 12 and 16, in alpha_bar, with E[x0 | x] of N(MEAN, STD^2) put in."""
    bars = [float(level.alpha) ** 2 for level in path]
    mean, variance = marginal(path[0])
    rows = []
    for now, then in pairwise(bars):
        std = eta * math.sqrt((1 - then) / (1 - now)) * math.sqrt(max(1 - now / then, 0))
        slope = math.sqrt(now) * STD**2 / (now * STD**2 + 1 - now)  # of E[x0 | x] in x
        noise = math.sqrt(max(1 - then - std**2, 0) / (1 - now))
        gain = math.sqrt(then) * slope + noise * (1 - math.sqrt(now) * slope)
        offset = (math.sqrt(then) - noise * math.sqrt(now)) * (MEAN - slope * math.sqrt(now) * MEAN)
        added = (1 - now / then if then < 1 else 0.0) if large else std**2
        mean, variance = gain * mean + offset, gain**2 * variance + added
        rows.append((mean, variance))
    return rows


CHAINS = [
    pytest.param(DDPM("small"), 1.0, False, id="ddpm-small"),
    pytest.param(DDPM("large"), 1.0, True, id="ddpm-large"),
    pytest.param(DDIM(0.0), 0.0, False, id="ddim-0"),
    pytest.param(DDIM(0.5), 0.5, False, id="ddim-.5"),
    pytest.param(DDIM(1.0), 1.0, False, id="ddim-1"),
]


@pytest.mark.parametrize(("sampler", "eta", "large"), CHAINS)
@pytest.mark.parametrize("schedule", [Linear(), Cosine()], ids=lambda schedule: schedule.kind)
@pytest.mark.parametrize(("steps", "spacing"), [(400, "trailing"), (7, "trailing"), (50, "linspace"), (33, "leading")])
def test_chains_have_the_moments_of_their_papers(
    schedule: NoiseSchedule, steps: int, spacing: Any, sampler: Sampler, eta: float, large: bool
) -> None:
    path = levels(schedule, steps, spacing)
    found = moments(sampler, one_gaussian(), path, *marginal(path[0]))
    np.testing.assert_allclose(found, ancestral(path, eta, large), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("sampler", "eta", "large"), CHAINS)
def test_fine_chains_have_the_moments_of_the_data(sampler: Sampler, eta: float, large: bool) -> None:
    # Steps of constant ratio in beta: the error falls as 1 / steps; Richardson's step from two of them removes it.
    found = []
    for steps in (500, 1000):
        path = even_in_log_snr(-5.0, 2.0, steps)
        (mean, variance), wanted = moments(sampler, one_gaussian(), path, *marginal(path[0]))[-1], marginal(path[-1])
        found.append((mean - wanted[0], variance - wanted[1]))
    coarse, fine = np.array(found)
    np.testing.assert_allclose(2 * fine - coarse, 0, atol=1e-4)
    np.testing.assert_allclose(fine, 0, atol=5e-3)


@pytest.mark.parametrize("steps", [2, 10, 100])
@pytest.mark.parametrize(
    ("sampler", "std"),
    [(DDPM("large"), 1.0), (DDPM("small"), 1e-9), (DDIM(0.0), 1e-9), (DDIM(0.5), 1e-9), (DDIM(1.0), 1e-9)],
    ids=str,
)
def test_chains_are_exact_at_every_level_for_the_data_they_are_right_for(
    sampler: Sampler, std: float, steps: int
) -> None:
    path = levels(Linear(), steps)
    found = moments(sampler, one_gaussian(std=std), path, *marginal(path[0], std=std))[:-1]
    np.testing.assert_allclose(found, [marginal(level, std=std) for level in path[1:-1]], rtol=1e-9, atol=1e-9)


class Learned:
    """The exact denoiser with the exact variance of the reverse step."""

    def __init__(self, data: GaussianMixture) -> None:
        self.data = data

    def __call__(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return self.data(x, level)

    def moments(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: None) -> tuple[Tensor, Tensor]:
        now, then = ((float(entry.alpha), float(entry.sigma)) for entry in (level, to))
        ratio = now[0] / then[0]
        added = now[1] ** 2 - (ratio * then[1]) ** 2
        small = added * then[1] ** 2 / now[1] ** 2
        # The variance of x_s given x_t, by Gauss: var(x_s) - cov^2 / var(x_t).
        before, after = ((entry[0] * STD) ** 2 + entry[1] ** 2 for entry in (then, now))
        exact = before - (ratio * before) ** 2 / after
        assert small <= exact * (1 + 1e-9) and exact <= added * (1 + 1e-9)
        return self(x, level, cond), torch.full_like(x, math.log(exact) if exact else -math.inf)


@pytest.mark.parametrize("steps", [3, 10, 100])
def test_a_learned_variance_makes_the_chain_exact_at_every_level(steps: int) -> None:
    path = levels(Linear(), steps)
    found = moments(DDPM("learned"), Learned(one_gaussian()), path, *marginal(path[0]))[:-1]
    np.testing.assert_allclose(found, [marginal(level) for level in path[1:-1]], rtol=1e-9, atol=1e-9)


def test_learned_lies_between_small_and_large() -> None:
    path = levels(Cosine(), 20)
    learned = Learned(one_gaussian())
    small, middle, large = (
        moments(DDPM(kind), learned, path, 0.0, 1.0)[-2][1] for kind in ("small", "learned", "large")
    )
    assert small < middle < large


def test_learned_without_a_learned_variance_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^this denoiser has no learned variance: use variance small or large$"):
        next(DDPM("learned")(one_gaussian(), torch.zeros(1, 1), levels(Cosine(), 3), None))


def test_strided_chains_have_the_variance_of_their_own_subsequence() -> None:
    # One chain of 1000 steps seen at each 50th level is another DDPM, with its own betas.
    path = levels(Linear(), 20)
    own = betas(Linear(), 20).flip(0)
    now = torch.stack([level.sigma**2 for level in path[:-2]])
    then = torch.stack([level.sigma**2 for level in path[1:-1]])
    std = (own[:-1] * then / now).sqrt()
    seen: list[float] = []

    def unit(like: Tensor) -> Tensor:
        seen.append(0)
        return torch.ones_like(like)

    x = torch.zeros(1, 1, dtype=torch.float64)
    quiet = list(DDPM()(one_gaussian(mean=0.0, std=1e-12), x, path, None, torch.zeros_like))
    noisy = next(DDPM()(one_gaussian(mean=0.0, std=1e-12), x, path, None, unit))
    assert len(seen) == 1
    assert float(noisy.x - quiet[0].x) == pytest.approx(float(std[0]), rel=1e-9)


@pytest.mark.parametrize("steps", [20, 200])
def test_the_sde_sampler_has_the_datas_moments(steps: int) -> None:
    path = even_in_log_snr(-5.0, 3.0, steps)
    (mean, variance), wanted = moments(DPMppSDE(), one_gaussian(), path, *marginal(path[0]))[-1], marginal(path[-1])
    assert mean == pytest.approx(wanted[0], abs=20 / steps**2)
    assert variance == pytest.approx(wanted[1], abs=20 / steps**2)


@pytest.mark.parametrize(
    "schedule", [Karras(), VarianceExploding(), Cosine(), Flow()], ids=lambda schedule: schedule.kind
)
@pytest.mark.parametrize(("sampler", "tolerance"), [(Euler, 0.02), (Heun, 5e-4)])
@pytest.mark.parametrize("churn", [0.0, 1.0, 20.0])
def test_churn_keeps_the_variance(schedule: NoiseSchedule, sampler: Any, tolerance: float, churn: float) -> None:
    path = levels(schedule, 400, "log_snr")[:-1]
    mean, variance = moments(sampler(churn), one_gaussian(), path, *marginal(path[0]))[-1]
    wanted = marginal(path[-1])
    assert mean == pytest.approx(wanted[0], abs=tolerance)
    assert variance == pytest.approx(wanted[1], rel=2 * tolerance)


def test_churn_adds_noise_once_a_step_and_no_churn_adds_none() -> None:
    path = levels(Karras(), 10, "karras")
    for sampler, wanted in ((Heun(), 0), (Heun(5.0), 10), (Euler(), 0), (Euler(5.0), 10)):
        calls: list[int] = []

        def count(like: Tensor, calls: list[int] = calls) -> Tensor:
            calls.append(1)
            return torch.zeros_like(like)

        list(sampler(one_gaussian(), seeded(3, 1), path, None, count))
        assert len(calls) == wanted


@pytest.mark.parametrize("make", [lambda: Euler(-1.0), lambda: Heun(-1.0), lambda: DDIM(1.5), lambda: DDIM(-0.1)])
def test_wrong_amounts_of_noise_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"must be (less|greater) than or equal to [01], got -?[01]\.\d$"):
        make()


def test_a_chain_may_begin_and_end_anywhere() -> None:
    times = torch.linspace(0.9, 0.2, 50)
    path = at_times(Cosine(), times)
    whole = moments(DDPM(), one_gaussian(), path, *marginal(path[0]))
    first = moments(DDPM(), one_gaussian(), path[:25], *marginal(path[0]))
    again = moments(DDPM(), one_gaussian(), path[24:], *first[-1])
    np.testing.assert_allclose(again[-1], whole[-1], rtol=1e-9)
