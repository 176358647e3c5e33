"""Langevin, predictor-corrector and the reverse SDE draw from the data, modes in their shares."""

import pytest
import torch
from known import double, one_gaussian
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.errors import UserError
from becalm.path import Path
from becalm.sampler import DDIM, DDPM, Euler, Langevin, PredictorCorrector, ReverseSDE, Sampler, sample
from becalm.schedule import (
    Cosine,
    Flow,
    NoiseSchedule,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    levels,
)

MODES = GaussianMixture(double([0.2, 0.8]), double([[-2.0], [2.0]]), double([0.3, 0.5]))
EXPLODING = VarianceExploding(low=0.01, high=20)


def generated(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(sampler: Sampler, data: GaussianMixture, path: Path, count: int) -> Tensor:
    generator = generated()

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    start = noise(torch.empty(count, 1, dtype=torch.float64)) * path[0].total_std
    return sample(sampler(data, start, path, None, noise))


CASES = [
    pytest.param(PredictorCorrector(), SubVariancePreserving(), id="predictor-corrector-sub-vp"),
    pytest.param(PredictorCorrector(predictor=DDIM()), EXPLODING, id="predictor-corrector-ve"),
    pytest.param(ReverseSDE(), VariancePreserving(), id="reverse-sde-vp"),
    pytest.param(Langevin(snr=0.4), EXPLODING, id="annealed-langevin-ve"),
]


def check(sampler: Sampler, schedule: NoiseSchedule, steps: int, count: int, tolerance: float) -> None:
    found = drawn(sampler, MODES, levels(schedule, steps, "log_snr"), count)
    left = found < 0
    assert float(left.double().mean()) == pytest.approx(0.2, abs=tolerance)
    for part, mean, std in ((found[left], -2.0, 0.3), (found[~left], 2.0, 0.5)):
        assert float(part.mean()) == pytest.approx(mean, abs=2 * tolerance)
        assert float(part.std()) == pytest.approx(std, abs=2 * tolerance)


@pytest.mark.parametrize(("sampler", "schedule"), CASES[:3])
def test_modes_have_their_shares_and_moments(sampler: Sampler, schedule: NoiseSchedule) -> None:
    check(sampler, schedule, 150, 3000, 0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "schedule"), CASES)
def test_at_1000_steps_modes_have_their_shares_within_a_hundredth(sampler: Sampler, schedule: NoiseSchedule) -> None:
    check(sampler, schedule, 1000, 40_000, 0.01)


def test_langevin_that_stays_at_a_level_brings_any_start_to_its_distribution() -> None:
    data = one_gaussian()
    level = Cosine()(torch.tensor(0.6))
    generator = generated()
    still = Path.of([level] * 400)
    found = sample(
        Langevin(snr=0.1)(
            data,
            torch.full((4000, 1), 3.0, dtype=torch.float64),
            still,
            None,
            lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype),
        )
    )
    variance = float((level.alpha * data.stds[0]) ** 2 + level.sigma**2)
    assert float(found.mean()) == pytest.approx(float(level.alpha * data.means[0, 0]), abs=0.06)
    assert float(found.var()) == pytest.approx(variance, rel=0.08)


def test_the_reverse_sde_is_ddpm_in_the_limit_of_small_steps() -> None:
    # Without noise both go to the mean of the reverse step; they differ by the square of the step.
    data, x = one_gaussian(), double([[1.3], [-0.8]])
    gaps = []
    for steps in (500, 1000):
        path = levels(Cosine(), steps, "log_snr")
        path = path[steps // 2 : steps // 2 + 2]
        one, other = (sample(kind(data, x, path, None, torch.zeros_like)) for kind in (ReverseSDE(), DDPM()))
        gaps.append(float((one - other).abs().max()))
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.1)


def test_a_corrector_of_no_size_leaves_the_predictor() -> None:
    path = levels(Cosine(), 6, "log_snr")
    x = double([[1.3], [-0.8]])
    one = sample(PredictorCorrector(predictor=DDIM(), corrector=Langevin(snr=1e-12))(MODES, x, path, None))
    torch.testing.assert_close(one, sample(DDIM()(MODES, x, path, None)), rtol=0, atol=1e-9)


def test_sub_vp_has_less_noise_than_vp_and_its_square_at_any_time() -> None:
    t = torch.linspace(0, 1, 9)
    sub, whole = SubVariancePreserving()(t), VariancePreserving()(t)
    torch.testing.assert_close(sub.alpha, whole.alpha, rtol=0, atol=0)
    torch.testing.assert_close(sub.sigma, whole.sigma**2, rtol=1e-12, atol=1e-15)


def test_what_cannot_be_walked_is_refused_in_a_sentence() -> None:
    pure, down = levels(Flow(), 4), levels(EXPLODING, 4)
    x = torch.zeros(1, 1)
    for sampler, path, said in (
        (Langevin(), pure, "use spacing karras or log_snr"),
        (ReverseSDE(), pure, "use spacing karras or log_snr"),
        (Langevin(), down.reversed(), "langevin walks down only"),
        (ReverseSDE(), down.reversed(), "reverse_sde walks down only"),
        (PredictorCorrector(), down.reversed(), "predictor_corrector walks down only"),
        (PredictorCorrector(predictor=Euler(churn=2.0)), down, "without churn"),
    ):
        with pytest.raises(UserError, match=said):
            next(sampler(MODES, x, path, None))
