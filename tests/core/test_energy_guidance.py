"""Guidance by energies: exact where a closed form exists, bounded where it says so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from guided import MEANS, MIXTURE, STDS, TIMES, at_time, draw, drop, gaussian, posterior_energy, unconditional
from torch import Tensor

from becalm.guidance import Descend
from becalm.sampler import DDIM, DDPM, DPMpp2M, sample
from becalm.schedule import Cosine, Linear, VarianceExploding, levels


@pytest.mark.parametrize("t", TIMES)
def test_the_exact_energy_gives_the_exact_conditional_estimate(t: float) -> None:
    level, cond = at_time(t), torch.arange(60) % 3
    x = level.mix(MIXTURE.draw(60, torch.Generator().manual_seed(1)), draw(60, 2))
    guided = Descend(posterior_energy, 1.0, "noisy")(unconditional)
    torch.testing.assert_close(guided(x, level, cond), MIXTURE(x, level, cond), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("sampler", [DDIM(), DPMpp2M(), DDPM()], ids=lambda sampler: type(sampler).__name__)
def test_exact_guidance_gives_the_exact_posterior(sampler: Any) -> None:
    # Linear ends at alpha = .006, so the energy's gradient is there from the first step on. Start and noise are
    # whitened: each step is affine in them, so the moments of a component's 512 samples are nearly those of the chain.
    guided = Descend(posterior_energy, 1.0, "noisy")(unconditional)
    path = levels(Linear(), 400)
    cond = torch.arange(3).repeat_interleave(512)
    generator = torch.Generator().manual_seed(3)

    def white(like: Tensor) -> Tensor:
        z = torch.randn((3, 512, 2), generator=generator, dtype=like.dtype)
        z = z - z.mean(1, keepdim=True)
        return (z @ torch.linalg.inv(torch.linalg.cholesky(z.mT @ z / 512)).mT).reshape(like.shape)

    first = path[0]
    x = first.alpha * MEANS[cond] + ((first.alpha * STDS[cond, None]) ** 2 + first.sigma**2).sqrt() * white(MEANS[cond])
    seed = generator.get_state()
    by_guidance = sample(sampler(guided, x, path, cond, white))
    generator.set_state(seed)
    by_condition = sample(sampler(MIXTURE, x, path, cond, white))
    torch.testing.assert_close(by_guidance, by_condition, rtol=1e-8, atol=1e-8)
    made = by_guidance.reshape(3, 512, 2)
    torch.testing.assert_close(made.mean(1), MEANS, rtol=0, atol=2e-3)
    torch.testing.assert_close(made.std(1), STDS[:, None].expand(3, 2), rtol=0.08, atol=0)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_through_is_the_conditional_mean_in_closed_form(t: float) -> None:
    # x0 ~ N(m, s^2 I), y = x0_1 + r n. Given x, x0_1 is N(x0hat, v), so the mean given y too is
    # x0hat + v / (v + r^2) (y - x0hat) in the first coordinate, and the second learns nothing.
    std, error, y = 0.7, 0.4, 1.3
    data = gaussian([0.5, -1.0], std)
    level, x = at_time(t), draw(5, 2)
    x0 = data(x, level)
    left = (std * level.sigma) ** 2 / ((level.alpha * std) ** 2 + level.sigma**2)
    guided = Descend(lambda x, level, cond: (x[:, 0] - y) ** 2 / (2 * error**2), 1.0, "through")(data)
    found = guided(x, level, None)
    torch.testing.assert_close(
        found[:, 0], x0[:, 0] + left / (left + error**2) * (y - x0[:, 0]), rtol=1e-10, atol=1e-10
    )
    torch.testing.assert_close(found[:, 1], x0[:, 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("error", [0.5, 0.2, 0.05])
@pytest.mark.parametrize("std", [1.0, 0.7])
def test_through_at_scale_1_samples_the_posterior_of_gaussian_data(std: float, error: float) -> None:
    y = 1.3
    guided = Descend(lambda x0, level, cond: (x0[:, 0] - y) ** 2 / (2 * error**2), 1.0, "through")(gaussian([0.0], std))
    start = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    made = sample(DPMpp2M()(guided, start, levels(Cosine(), 400), None))[:, 0]
    mean = std**2 / (std**2 + error**2) * y
    deviation = (std**2 * error**2 / (std**2 + error**2)) ** 0.5
    torch.testing.assert_close(made[0], torch.tensor(mean).double(), rtol=5e-3, atol=0)
    torch.testing.assert_close(made[1] - made[0], torch.tensor(deviation).double(), rtol=3e-2, atol=0)


@pytest.mark.parametrize("schedule", [Cosine(), VarianceExploding(low=0.01, high=50)])
def test_the_clean_step_is_bounded_by_its_scale(schedule: Any) -> None:
    # The gradient of |x|_1 is at most 1 in each entry, so the step is at most the scale: also where sigma / alpha is
    # huge.
    guided = Descend(lambda x, level, cond: x.abs().sum(1), 0.3, "clean")(unconditional)
    for level in levels(schedule, 10):
        x = level.total_std * draw(8, 2)
        moved = (guided(x, level, drop(torch.zeros(8).long())) - MIXTURE(x, level)).abs()
        share = level.sigma**2 / (level.alpha**2 + level.sigma**2)
        torch.testing.assert_close(moved, torch.full_like(moved, 0.3) * share, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("where", ["noisy", "clean", "through"])
def test_scale_0_of_an_energy_changes_nothing(where: Any) -> None:
    x, cond = draw(4, 2), torch.tensor([0, 1, 2, 0])
    guided = Descend(posterior_energy, 0.0, where)(MIXTURE)
    for t in (0.0, 0.5, 1.0):
        assert torch.equal(guided(x, at_time(t), cond), MIXTURE(x, at_time(t), cond))


@pytest.mark.parametrize("where", ["noisy", "through"])
def test_pure_noise_is_left_alone(where: Any) -> None:
    x, level, cond = draw(4, 2), at_time(1.0), torch.tensor([0, 1, 2, 0])
    assert torch.equal(Descend(posterior_energy, 3.0, where)(MIXTURE)(x, level, cond), MIXTURE(x, level, cond))


@pytest.mark.parametrize("where", ["noisy", "clean", "through"])
@pytest.mark.parametrize("shape", ["scalar", "rows and columns", "whole"])
def test_an_energy_of_another_shape_is_refused_in_a_sentence(where: Any, shape: str) -> None:
    energies: dict[str, Callable[[Tensor], Tensor]] = {
        "scalar": lambda x: x.square().sum(),
        "rows and columns": lambda x: x.square().sum(1, keepdim=True),
        "whole": lambda x: x.square(),
    }
    guided = Descend(lambda x, level, cond: energies[shape](x), 1.0, where)(unconditional)
    with pytest.raises(ValueError, match="one number per sample"):
        guided(draw(3, 2), at_time(0.5), torch.zeros(3).long())
