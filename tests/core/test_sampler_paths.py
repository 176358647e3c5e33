"""Any path will do: from pure noise, of one step, with a level per coordinate; and no run knows of another."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known import at_times, double, one_gaussian, seeded, three_gaussians
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.noise import stream
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Heun, Sampler, Step, UniPC, sample
from becalm.schedule import Cosine, Discrete, Flow, Karras, Linear, NoiseSchedule, Sigmoid, levels

FROM_PURE_NOISE: list[Any] = [
    DDPM("small"),
    DDPM("large"),
    DDIM(),
    DDIM(0.5),
    DDIM(1.0),
    Euler(),
    Euler(3.0),
    DPMpp2M(),
    DPMpp3M(),
    DPMppSDE(),
    UniPC(1),
    UniPC(2),
    UniPC(3),
]
PER_COORDINATE: list[Any] = [DDPM("small"), DDPM("large"), DDIM(), DDIM(0.5), Euler(), DPMpp2M(), DPMpp3M(), DPMppSDE()]
MIXTURE = three_gaussians()


def noise() -> Callable[[Tensor], Tensor]:
    return stream(3, torch.arange(16))


@pytest.mark.parametrize("sampler", FROM_PURE_NOISE, ids=str)
@pytest.mark.parametrize("schedule", [Cosine(), Sigmoid(), Flow(), Discrete(betas=(0.2, 0.4, 0.6, 1.0))])
@pytest.mark.parametrize(("steps", "dtype"), [(1, torch.float32), (2, torch.float64), (7, torch.float32)])
def test_samplers_start_at_pure_noise_and_end_at_their_estimate(
    schedule: NoiseSchedule, sampler: Sampler, steps: int, dtype: torch.dtype
) -> None:
    path = levels(schedule, steps)
    assert float(path[0].alpha) == 0
    run = list(sampler(MIXTURE, seeded(16, 4).to(dtype), path, None, noise()))
    assert [step.index for step in run] == list(range(steps))
    assert [float(step.level.t) for step in run] == [float(level.t) for level in path[1:]]
    assert all(bool(torch.isfinite(step.x).all()) and step.x.dtype == dtype for step in run)
    assert torch.equal(run[-1].x, run[-1].x0)


@pytest.mark.parametrize("sampler", [*FROM_PURE_NOISE, Heun(), Heun(3.0)], ids=str)
@pytest.mark.parametrize("schedule", [Linear(), Karras()], ids=lambda schedule: schedule.kind)
@pytest.mark.parametrize("spacing", ["trailing", "leading", "linspace", "karras", "log_snr"])
@pytest.mark.parametrize("steps", [4])
def test_every_sampler_walks_every_spacing(schedule: Any, sampler: Any, spacing: Any, steps: int) -> None:
    path = levels(schedule, steps, spacing)
    run = list(sampler(MIXTURE, path[0].total_std * seeded(16, 4), path, None, noise()))
    assert len(run) == steps
    assert all(bool(torch.isfinite(step.x).all()) for step in run)
    assert torch.equal(run[-1].x, run[-1].x0)


def test_heun_from_pure_noise_is_refused_in_a_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"^Heun divides by alpha, which is 0 at the first level of this path: use [^.]+$"
    ):
        next(Heun()(MIXTURE, seeded(16, 4), levels(Cosine(), 5), None))


def test_unipc_and_churn_refuse_levels_per_coordinate_in_a_sentence() -> None:
    path = [NoiseLevel(level.t, level.alpha.expand(4), level.sigma.expand(4)) for level in levels(Linear(), 5)]
    with pytest.raises(ValueError, match=r"^UniPC needs scalar levels, not one per coordinate: [^.]+$"):
        next(UniPC()(MIXTURE, seeded(16, 4), path, None))
    with pytest.raises(ValueError, match=r"^churn needs scalar levels, not one per coordinate: .+ got 1\.0$"):
        next(Euler(1.0)(MIXTURE, seeded(16, 4), path, None))


def test_no_levels_no_sample() -> None:
    with pytest.raises(ValueError, match=r"^a sampler needs at least two levels$"):
        sample(DDIM()(MIXTURE, seeded(16, 4), levels(Linear(), 1)[:1], None))


def independent(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
    """E[x0 | x] of N(.7, .25) in each coordinate by itself, at each coordinate's own level."""
    gain = level.alpha * 0.25 / (level.alpha**2 * 0.25 + level.sigma**2)
    return 0.7 + gain * (x - level.alpha * 0.7)


def coordinates(speeds: list[float], steps: int) -> list[NoiseLevel]:
    """A path on which coordinate k sees time t ** speed_k, as in blur diffusion; each ends clean."""
    times = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    level = Cosine()(times[:, None] ** double(speeds))
    return [NoiseLevel(*entry) for entry in zip(times, level.alpha, level.sigma, strict=True)]


@pytest.mark.parametrize("sampler", [*PER_COORDINATE, Heun()], ids=str)
@pytest.mark.parametrize("first", [0, 1])
def test_a_level_per_coordinate_is_a_run_per_coordinate(sampler: Any, first: int) -> None:
    if isinstance(sampler, Heun) and first == 0:
        return  # It cannot start at pure noise.
    speeds, start = [0.5, 1.0, 2.0], seeded(16, 3)
    together = [step.x for step in sampler(independent, start, coordinates(speeds, 12)[first:], None, noise())]
    for place, speed in enumerate(speeds):
        draw = noise()

        def own(like: Tensor, draw: Callable[[Tensor], Tensor] = draw, place: int = place) -> Tensor:
            return draw(torch.empty(16, 3, dtype=like.dtype))[:, place : place + 1]

        path = [
            NoiseLevel(level.t, level.alpha.reshape(()), level.sigma.reshape(())) for level in coordinates([speed], 12)
        ]
        alone = [step.x for step in sampler(independent, start[:, place : place + 1], path[first:], None, own)]
        for one, other in zip(together, alone, strict=True):
            torch.testing.assert_close(one[:, place : place + 1], other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampler", PER_COORDINATE, ids=str)
def test_a_coordinate_may_be_clean_early_or_stay_pure_noise_for_a_while(sampler: Any) -> None:
    def pinned(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return torch.where(level.sigma == 0, x, independent(x, level, cond))

    times = torch.linspace(1, 0, 9, dtype=torch.float64)
    # The first coordinate is clean from t = 1/2 on; the second is pure noise until then.
    both = Cosine()(torch.stack([2 * times - 1, 2 * times], dim=1).clamp(0, 1))
    path = [NoiseLevel(*entry) for entry in zip(times, both.alpha, both.sigma, strict=True)]
    run = list(sampler(pinned, seeded(16, 2), path, None, noise()))
    assert all(bool(torch.isfinite(step.x).all()) for step in run)
    for step in run[4:]:
        torch.testing.assert_close(step.x[:, 0], run[3].x[:, 0], rtol=1e-12, atol=1e-12)
    assert torch.equal(run[-1].x, run[-1].x0)


@pytest.mark.parametrize("sampler", [*FROM_PURE_NOISE, Heun(2.0)], ids=str)
def test_interleaved_runs_do_not_disturb_each_other(sampler: Any) -> None:
    def run(steps: int, seed: int) -> Iterator[Step]:
        path = levels(Linear(), steps)
        return sampler(MIXTURE, seeded(16, 4, seed=seed), path, None, stream(seed, torch.arange(16)))  # type: ignore[no-any-return]

    alone = [step.x for step in run(9, 1)], [step.x for step in run(9, 2)]
    mixed: tuple[list[Tensor], list[Tensor]] = ([], [])
    for one, other in zip(run(9, 1), run(9, 2), strict=True):
        mixed[0].append(one.x)
        mixed[1].append(other.x)
    for wanted, found in zip(alone, mixed, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))


@pytest.mark.parametrize("sampler", [*FROM_PURE_NOISE, Heun(2.0)], ids=str)
def test_runs_leave_their_start_and_the_gradient_mode_alone(sampler: Any) -> None:
    x = seeded(16, 4)
    before = x.clone()
    for _ in sampler(MIXTURE, x, levels(Linear(), 4), None, noise()):
        assert torch.is_grad_enabled()
    assert torch.equal(x, before)


@pytest.mark.parametrize("sampler", [DDIM(), DPMpp2M(), DPMpp3M(), UniPC(3), Euler(), Heun()], ids=str)
@given(shift=st.floats(-3, 3), scale=st.floats(0.1, 3))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_samplers_commute_with_affine_maps_of_the_data(sampler: Any, shift: float, scale: float) -> None:
    # Data scaled by c and moved by d are sampled as c x0 + d at the levels (alpha, c sigma).
    path = at_times(Linear(), torch.linspace(1, 0, 11))
    wide = [NoiseLevel(level.t, level.alpha, scale * level.sigma) for level in path]
    x = seeded(8, 1)
    plain = sample(sampler(one_gaussian(0.7, 0.5), x, path, None))
    moved = sample(
        sampler(one_gaussian(0.7 * scale + shift, 0.5 * scale), scale * x + path[0].alpha * shift, wide, None)
    )
    torch.testing.assert_close(moved, scale * plain + shift, rtol=1e-8, atol=1e-8)
