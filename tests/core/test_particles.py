"""Particles: the posterior where point estimates are biased, each sample by itself."""

import math
from typing import Any

import pytest
import torch
from guided import draw, gaussian
from test_compose import CASES, Ragged, bowl, denoise
from torch import Tensor
from toy import model

from becalm.denoiser import GaussianMixture
from becalm.errors import UserError
from becalm.guidance import Descend, Measurement, MomentMatching
from becalm.noise import stream
from becalm.sampler import DDIM, DPMppSDE, Particles, last, sample
from becalm.sampler.particles.resampling import pick, resample
from becalm.schedule import Cosine, levels

STD, Y = 0.5, 0.5
PAIR = GaussianMixture(
    torch.tensor([0.7, 0.3], dtype=torch.float64),
    torch.tensor([[-1.0, 1.5], [1.2, -1.0]], dtype=torch.float64),
    torch.tensor([0.3, 0.3], dtype=torch.float64),
)
READING = Measurement(lambda x0: x0[:, :1], torch.tensor([Y]), STD)


def right_share() -> float:
    """p(second mode | y) in closed form."""
    spread = 0.3**2 + STD**2
    odds = [w * math.exp(-((Y - m) ** 2) / (2 * spread)) for w, m in ((0.7, -1.0), (0.3, 1.2))]
    return odds[1] / sum(odds)


def second(x: Tensor) -> float:
    return float((x[:, 1] < 0.25).double().mean())


def noise(count: int) -> Any:
    return stream(0, torch.arange(count))


def test_two_modes_get_the_posterior_s_shares_which_a_point_estimate_misses() -> None:
    path, start = levels(Cosine(), 40), draw(1500, 2)
    alone = sample(DDIM(eta=1.0)(MomentMatching(READING)(PAIR), start, path, None, noise(1500)))
    found = sample(Particles(energy=MomentMatching(READING, None))(PAIR, start, path, None, noise(1500)))
    share = right_share()
    assert abs(second(found) - share) < 0.035 < abs(second(alone) - share)
    # Within a mode, the mean and variance in closed form.
    chosen = found[found[:, 1] < 0.25]
    gain = 0.3**2 / (0.3**2 + STD**2)
    torch.testing.assert_close(chosen[:, 0].mean(), torch.tensor(1.2 + gain * (Y - 1.2)).double(), atol=0.03, rtol=0)
    torch.testing.assert_close(chosen[:, 0].std(), torch.tensor(0.3 * (1 - gain) ** 0.5).double(), atol=0.03, rtol=0)


def test_an_energy_serves_too() -> None:
    path, start = levels(Cosine(), 40), draw(1500, 2)
    found = sample(Particles(energy=READING.energy, count=16)(PAIR, start, path, None, noise(1500)))
    assert abs(second(found) - right_share()) < 0.05


@pytest.mark.parametrize("sampler", [DDIM(eta=1.0), DDIM(eta=0.5), DPMppSDE()])
def test_one_particle_is_the_guided_sampler(sampler: DDIM | DPMppSDE) -> None:
    path, x, guide = levels(Cosine(), 10), draw(4, 2), MomentMatching(READING, None)
    plain = sample(sampler(guide(PAIR), x, path, None, torch.zeros_like))
    found = sample(Particles(sampler=sampler, energy=guide, count=1)(PAIR, x, path, None, torch.zeros_like))
    torch.testing.assert_close(found, plain)


def test_gaussian_data_need_no_weights() -> None:
    # Twist and proposal are exact, so all particles stay equally good but for the steps' size.
    data = gaussian([0.5, -1.0], 0.7)
    walk = Particles(energy=MomentMatching(READING, None))(data, draw(200, 2), levels(Cosine(), 200), None, noise(200))
    population = last(walk).carry
    assert float(population.effective.mean()) > 7.0
    torch.testing.assert_close(population.log_weights.logsumexp(0), torch.zeros(200, dtype=torch.float64))


def test_particles_have_the_spread_of_the_posterior_in_closed_form() -> None:
    # Of first order they lose a tenth of the variance and more.
    data, path = gaussian([0.5, -1.0], 0.3), levels(Cosine(), 60)
    right = torch.tensor([0.3**2 * STD**2 / (0.3**2 + STD**2), 0.3**2]).double()

    def spread(sampler: DDIM | DPMppSDE) -> Tensor:
        walk = Particles(sampler=sampler, energy=MomentMatching(READING, None), count=2)
        return sample(walk(data, draw(4000, 2), path, None, noise(4000))).var(0) / right

    assert float((spread(DPMppSDE()) - 1).abs().max()) < 0.1 < float((1 - spread(DDIM(eta=1.0))).min())


@pytest.mark.parametrize("case", CASES)
def test_a_sample_does_not_know_of_others(case: str) -> None:
    x, cond = CASES[case]
    sampler, path = Particles(energy=bowl(0.5), count=3), levels(Cosine(), 6)
    rows = cond.owner if isinstance(cond, Ragged) else torch.arange(4)
    whole = sample(sampler(denoise, x, path, cond, stream(7, rows)))
    assert whole.shape == x.shape
    for number in range(4):
        alone = cond.take(torch.tensor([number])) if isinstance(cond, Ragged) else cond[number : number + 1]
        mine = sample(sampler(denoise, x[rows == number], path, alone, stream(7, rows[rows == number])))
        torch.testing.assert_close(mine, whole[rows == number], rtol=1e-12, atol=1e-12)


def test_an_energy_that_says_nothing_changes_nothing() -> None:
    path, x = levels(Cosine(), 10), draw(500, 2)
    steps = Particles(energy=lambda x, level, cond: 0 * x.sum(1), count=4)(PAIR, x, path, None, noise(500))
    end = last(steps)
    assert float(end.carry.effective.min()) == pytest.approx(4)
    assert second(end.x) == pytest.approx(0.3, abs=0.07)


def test_resampling_keeps_as_many_as_weights_say_and_the_rest_by_chance() -> None:
    weights = torch.tensor([0.7, 0.05, 0.15, 0.1], dtype=torch.float64)
    chance = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    ancestor, after = resample(weights.log()[:, None].expand(4, 1000), chance)
    copies = torch.stack([(ancestor == number).sum(0) for number in range(4)])
    expected = 4 * weights[:, None]
    assert bool(((copies == expected.floor()) | (copies == expected.ceil())).all())
    torch.testing.assert_close(copies.double().mean(1), expected[:, 0], atol=5e-3, rtol=0)
    torch.testing.assert_close(after.exp(), torch.full_like(after, 0.25))
    even = torch.full((4, 3), 0.25, dtype=torch.float64).log()
    assert torch.equal(resample(even, chance[:3])[0], torch.arange(4)[:, None].expand(4, 3))
    drawn = torch.bincount(pick(weights.log()[:, None].expand(4, 1000), chance), minlength=4) / 1000
    torch.testing.assert_close(drawn.double(), weights, atol=2e-3, rtol=0)


def test_a_models_samples_do_not_know_their_batch() -> None:
    reading = Measurement(lambda x0: x0[:, :1], torch.tensor([0.5]), 0.1)
    fields = {"steps": 6, "sampler": Particles(energy=MomentMatching(reading, None), count=4)}
    whole = model().sample(count=40, **fields).x0
    assert torch.equal(model().sample(count=40, batch=7, **fields).x0, whole)
    assert torch.equal(model().sample(count=1, **fields).x0, whole[:1])
    assert float((whole[:, 0] - 0.5).abs().mean()) < 0.2


def test_what_cannot_walk_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="eta must be above 0, got 0"):
        Particles(sampler=DDIM(), energy=bowl(0.0))
    with pytest.raises(UserError, match="energy must be an energy"):
        Particles(energy=3)
    with pytest.raises(UserError, match="walk down only"):
        sample(Particles(energy=bowl(0.0))(PAIR, draw(2, 2), levels(Cosine(), 4).reversed(), None))
    assert isinstance(Particles(energy=bowl(0.0)).twisted, Descend)
