"""Paths are values: cut, turned, joined; and every sampler walks up as well as down, or says why not."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known import one_gaussian, seeded, three_gaussians
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.path import Path
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Heun, UniPC, sample
from becalm.schedule import Cosine, Discrete, Linear, VariancePreserving, betas, levels

MIXTURE = three_gaussians()


def noise(like: Tensor) -> Tensor:
    return torch.randn(like.shape, dtype=like.dtype, generator=torch.Generator().manual_seed(1))


@given(st.integers(1, 9), st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([1, 2, -1, -2]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_path_is_cut_as_a_list_is(steps: int, first: int, last: int, stride: int) -> None:
    path = levels(Cosine(), steps)
    part, each = path[first:last:stride], list(path)[first:last:stride]
    assert isinstance(part, Path) and len(part) == len(each)
    assert [float(level.sigma) for level in part] == [float(level.sigma) for level in each]
    assert Path.of(path) is path
    joined = path + part
    assert [float(level.t) for level in joined] == [float(level.t) for level in [*path, *each]]
    assert [float(level.t) for level in path.reversed()] == [float(level.t) for level in reversed(list(path))]


def test_a_run_along_a_path_is_a_run_along_the_list_of_its_levels() -> None:
    path = levels(Linear(), 7)
    by_hand = [NoiseLevel(level.t, level.alpha, level.sigma) for level in path]
    for sampler in (DDIM(), DPMpp3M(), UniPC()):
        one, other = (sample(sampler(MIXTURE, seeded(8, 4), way, None)) for way in (path, by_hand))
        assert torch.equal(one, other)


@pytest.mark.parametrize("sampler", [DDIM(), DPMpp2M(), DPMpp3M(), UniPC(), Euler()], ids=repr)
def test_the_ode_goes_up_to_noise_and_down_again_to_where_it_began(sampler: Any) -> None:
    path, x0 = levels(Cosine(), 400), MIXTURE.draw(5, torch.Generator().manual_seed(1)).double()
    for up in (path.reversed()[1:], path.reversed()):
        z = sample(sampler(MIXTURE, up[0].mix(x0, torch.zeros_like(x0)), up, None))
        assert bool(torch.isfinite(z).all())
        torch.testing.assert_close(sample(sampler(MIXTURE, z, path, None)), x0, rtol=0, atol=0.12)


def test_ddpm_going_up_adds_noise_with_the_marginals_of_the_process() -> None:
    path, x0 = levels(Cosine(), 20), torch.full((20_000, 1), 0.7, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    steps = DDPM()(
        one_gaussian(),
        x0,
        path.reversed(),
        None,
        lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype),
    )
    for step, level in zip(steps, path.reversed()[1:], strict=True):
        assert float(step.x.mean()) == pytest.approx(0.7 * float(level.alpha), abs=0.03)
        assert float(step.x.std()) == pytest.approx(float(level.sigma), abs=0.03)


def test_a_restart_up_and_down_again_leaves_the_distribution_alone() -> None:
    # Down, half of the way up by noise, down again (Xu et al. 2023): exact samples stay exact samples.
    path = levels(Cosine(), 60)
    there_and_back = path + path[30:-1].reversed() + path[31:]
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    made = sample(
        DDPM("large")(one_gaussian(0.7, 0.5), noise(torch.empty(20_000, 1).double()), there_and_back, None, noise)
    )
    assert float(made.mean()) == pytest.approx(0.7, abs=0.02) and float(made.std()) == pytest.approx(0.5, abs=0.02)


def test_the_sde_refuses_to_go_up_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^dpmppsde walks down only: [^.]+$"):
        next(DPMppSDE()(MIXTURE, seeded(4, 4), levels(Cosine(), 5).reversed(), None))


CAPPED = Discrete(betas=tuple(betas(Cosine(), 1000).clamp(max=0.999).tolist()))


@pytest.mark.parametrize("spacing", ["karras", "log_snr"])
@pytest.mark.parametrize(
    "schedule", [Cosine(), CAPPED, Linear(last=0.1), Linear(last=0.5), VariancePreserving(beta_max=400)]
)
def test_a_schedule_whose_signal_vanishes_is_cut_by_value(schedule: Any, spacing: Any) -> None:
    path = levels(schedule, 20, spacing)
    assert float(path[0].ratio) == pytest.approx(80, rel=1e-6)
    ratios = [float(level.ratio) for level in path]
    assert ratios == sorted(set(ratios), reverse=True)
    for sampler in (Heun(), DPMpp2M(), DPMpp3M(), UniPC()):
        x = seeded(4000, 1) * path[0].total_std
        assert float(sample(sampler(one_gaussian(0.0, 0.8), x, path, None)).std()) == pytest.approx(0.8, rel=0.06)


def test_a_path_that_does_not_descend_is_refused_in_a_sentence() -> None:
    class Flat:
        def __call__(self, t: Tensor) -> NoiseLevel:
            return NoiseLevel(t, torch.ones_like(t), torch.ones_like(t))

    with pytest.raises(
        ValueError, match=r"^this path does not descend at t = 1: take fewer steps than 4, or another spacing$"
    ):
        levels(Flat(), 4)


class Blur:
    """Six coordinates, each with a speed of its own."""

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = t.double()[..., None]
        speeds = torch.linspace(0, 1, 6, dtype=torch.float64)
        alpha = torch.cos(1.5 * t) * torch.exp(-speeds * t)
        return NoiseLevel(t[..., 0], alpha, torch.sin(1.5 * t).expand_as(alpha))


@pytest.mark.parametrize("spacing", ["trailing", "leading", "linspace", "karras", "log_snr"])
def test_levels_per_coordinate_take_every_spacing(spacing: Any) -> None:
    path = levels(Blur(), 9, spacing)
    assert path.alpha.shape == path.sigma.shape == (10, 6)
    assert bool((path.alpha.log() - path.sigma.log()).diff(dim=0).gt(0).all())
    assert path.alpha[-1].tolist() == [1.0] * 6 and path.sigma[-1].tolist() == [0.0] * 6
