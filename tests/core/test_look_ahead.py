"""Looking ahead: what a target is worth where x may come from several modes, against the closed form."""

from typing import Any

import pytest
import torch
from guided import at_time, draw
from test_compose import CASES
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.errors import UserError
from becalm.guidance import LookAhead, Measurement, MomentMatching
from becalm.level import NoiseLevel
from becalm.noise import stream
from becalm.sampler import Particles, sample
from becalm.schedule import Cosine, levels

SPREAD, ERROR, RARE = 0.3, 0.6, 0.04
MEANS = torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.48, 0.48, RARE], dtype=torch.float64)
# The first number is read as 0: between two frequent modes, at a rare one.
DATA = GaussianMixture(WEIGHTS, MEANS, torch.full((3,), SPREAD, dtype=torch.float64))
GUIDE = MomentMatching(Measurement(lambda x0: x0[:, :1], torch.tensor([0.0]), ERROR), None)


def look(count: int, time: float = 0.2, seed: int = 1) -> LookAhead:
    draws = DATA.draw(count, torch.Generator().manual_seed(seed))
    return LookAhead.of(GUIDE, DATA, draws, at_time(time), noise=lambda like: draw(*like.shape, seed=2))


def right(x: Tensor, level: NoiseLevel) -> tuple[Tensor, Tensor]:
    """log p(y | x), up to a constant, and E[x0 | x, y] in closed form."""
    noisy = level.alpha**2 * SPREAD**2 + level.sigma**2
    centre = MEANS + level.alpha * SPREAD**2 / noisy * (x[:, None] - level.alpha * MEANS)
    spread = SPREAD**2 * level.sigma**2 / noisy
    joint = DATA.posterior(x, level).log() - centre[..., 0] ** 2 / (2 * (spread + ERROR**2))
    gain = torch.stack([spread / (spread + ERROR**2), torch.zeros_like(spread)])
    moved = centre - gain * centre[..., :1]
    return joint.logsumexp(1) - (spread + ERROR**2).log() / 2, (joint.softmax(1)[..., None] * moved).sum(1)


@pytest.mark.parametrize("time", [0.5, 0.7, 0.9])
def test_looking_ahead_is_the_closed_form_of_a_mixture_which_one_gaussian_is_not(time: float) -> None:
    level = at_time(time)
    x = level.mix(DATA.draw(300, torch.Generator().manual_seed(5)), draw(300, 2, seed=6))
    likelihood, guided = right(x, level)

    def errors(guide: Any) -> tuple[float, float]:
        found = guide.twist(DATA, x, level, None)
        far = found.log_likelihood - likelihood
        return float((far - far.mean()).square().mean().sqrt()), float((found.guided - guided).square().mean().sqrt())

    for ahead, alone in zip(errors(look(5000)), errors(GUIDE), strict=True):
        assert ahead < 0.2 * alone


def test_particles_that_look_ahead_find_a_rare_mode_in_its_share() -> None:
    odds = WEIGHTS * (-(MEANS[:, 0] ** 2) / (2 * (SPREAD**2 + ERROR**2))).exp()
    share = float(odds[2] / odds.sum())
    start, path = draw(600, 2), levels(Cosine(), 40)

    def rare(energy: Any) -> float:
        walk = Particles(energy=energy, count=8)(DATA, start, path, None, stream(0, torch.arange(600)))
        return float((sample(walk)[:, 1] > 2).double().mean())

    assert abs(rare(look(500)) - share) < 0.06
    assert rare(GUIDE) < share - 0.2


def test_where_the_draws_say_nothing_it_is_the_guidance_within() -> None:
    found = look(500)
    for time, x in ((0.1, draw(9, 2)), (0.2, draw(9, 2)), (0.3, 50 + draw(9, 2))):
        mine, within = (guide.twist(DATA, x, at_time(time), None) for guide in (found, GUIDE))
        assert all(map(torch.equal, mine, within))


def test_a_target_that_no_draw_allows_is_left_to_the_guidance_within() -> None:
    far = MomentMatching(Measurement(lambda x0: x0[:, :1], torch.tensor([500.0]), 0.01), None)
    draws = DATA.draw(64, torch.Generator().manual_seed(1))
    found = LookAhead.of(far, DATA, draws, at_time(0.2)).twist(DATA, draw(9, 2), at_time(0.8), None)
    assert all(bool(value.isfinite().all()) for value in found)


def test_a_sample_does_not_know_of_others() -> None:
    x, path = draw(6, 2), levels(Cosine(), 8)
    sampler = Particles(energy=look(100), count=3)
    whole = sample(sampler(DATA, x, path, None, stream(7, torch.arange(6))))
    for number in range(6):
        mine = sample(sampler(DATA, x[number : number + 1], path, None, stream(7, torch.tensor([number]))))
        torch.testing.assert_close(mine, whole[number : number + 1], rtol=1e-9, atol=1e-9)


def test_what_cannot_look_ahead_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="at least 8 draws, got 3"):
        look(3)
    x, cond = CASES["ragged rows"]
    with pytest.raises(UserError, match="one row each"):
        LookAhead.of(GUIDE, DATA, x, at_time(0.2), cond)
