"""What noise is: moves between levels agree with noising at once, whatever the process."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process import GAUSSIAN, Bits, Process, Rotated
from becalm.process.rotated import cosines
from becalm.sampler import DDIM, DDPM, DPMpp2M, Euler, Heun, Sampler, UniPC, sample
from becalm.schedule import Cosine, Flow, Karras, Linear, NoiseSchedule, levels, levels_at

SCHEDULES = [Cosine(), Flow(), Linear(), Karras()]


def at(schedule: NoiseSchedule, t: float) -> NoiseLevel:
    return schedule(torch.tensor(t, dtype=torch.float64))


def constant(value: float) -> Callable[[Tensor], Tensor]:
    return lambda like: torch.full_like(like, value)


def moments(
    move: Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor], mean: Tensor, var: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and variance after an affine move of independent coordinates, from those before."""
    shift = move(torch.zeros_like(mean), constant(0.0))
    gain = move(torch.ones_like(mean), constant(0.0)) - shift
    spread = move(torch.zeros_like(mean), constant(1.0)) - shift
    return shift + gain * mean, gain**2 * var + spread**2


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_gaussian_up_after_corrupt_is_corrupt(schedule: NoiseSchedule) -> None:
    x0 = torch.tensor([0.7, -1.2], dtype=torch.float64)
    for low, high in ((0.1, 0.2), (0.3, 0.9), (0.0, 0.5)):
        s, t = at(schedule, low), at(schedule, high)
        mean, var = s.alpha * x0, s.sigma**2 * torch.ones_like(x0)
        mean, var = moments(lambda x, noise, s=s, t=t: GAUSSIAN.up(x, s, t, noise), mean, var)
        torch.testing.assert_close(mean, t.alpha * x0)
        torch.testing.assert_close(var, (t.sigma**2).expand(2))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_gaussian_bridges_along_any_path_keep_the_marginals(schedule: NoiseSchedule) -> None:
    x0 = torch.tensor([0.7, -1.2], dtype=torch.float64)
    path = levels_at(schedule, (1.0, 0.83, 0.4, 0.39, 0.02))
    mean, var = path[0].alpha * x0, path[0].sigma ** 2 * torch.ones_like(x0)
    for now, to in itertools.pairwise(path):
        mean, var = moments(lambda x, noise, now=now, to=to: GAUSSIAN.bridge(x, x0, now, to, noise), mean, var)
        torch.testing.assert_close(mean, to.alpha * x0)
        torch.testing.assert_close(var, (to.sigma**2).expand(2))


def test_the_basis_of_cosines_is_orthonormal_and_its_first_row_constant() -> None:
    for size in (1, 2, 5, 28):
        basis = cosines(size, torch.device("cpu"), torch.float64)
        torch.testing.assert_close(basis @ basis.T, torch.eye(size, dtype=torch.float64))
        torch.testing.assert_close(basis[0], torch.full((size,), size**-0.5, dtype=torch.float64))


def test_entering_and_leaving_a_basis_is_nothing_and_keeps_lengths() -> None:
    x = torch.randn(3, 1, 4, 6, dtype=torch.float64)
    turned = Rotated(axes=2)
    torch.testing.assert_close(turned.leave(turned.enter(x)), x)
    torch.testing.assert_close(turned.enter(x).norm(), x.norm())


def blurred(t: Tensor) -> NoiseLevel:
    """Coordinate k of a row of 6 loses its signal like exp(-k t^2), on its way to noise."""
    t = t.double()[..., None]
    angle = math.pi / 2 * t.clamp(max=1) * torch.ones(6, dtype=torch.float64)
    alpha = torch.cos(angle) * torch.exp(-torch.arange(6) * t**2)
    return NoiseLevel(t[..., 0], alpha, (1 - alpha**2).clamp(min=0).sqrt())


def test_a_process_in_a_basis_is_gaussian_there_at_levels_per_coordinate() -> None:
    turned, level, to = Rotated(axes=1), blurred(torch.tensor(0.3)), blurred(torch.tensor(0.6))
    x0, eps = torch.randn(2, 5, 6, dtype=torch.float64)
    x = turned.corrupt(x0, level, lambda like: eps)
    torch.testing.assert_close(turned.enter(x), level.alpha * turned.enter(x0) + level.sigma * eps)
    up = turned.enter(turned.up(x, level, to, constant(0.0)))
    torch.testing.assert_close(up, to.alpha / level.alpha * turned.enter(x))
    back = turned.bridge(turned.corrupt(x0, to, constant(0.0)), x0, to, level, constant(0.0))
    torch.testing.assert_close(turned.enter(back), level.alpha * turned.enter(x0))


@pytest.mark.parametrize("sampler", [DDIM(), DDPM(), DDIM(1.0), DPMpp2M(), Euler()], ids=repr)
def test_unmodified_samplers_blur_and_sharpen(sampler: Sampler) -> None:
    # Data whose frequency k has standard deviation 1 / (1 + k); the exact denoiser works in the basis.
    turned, std = Rotated(axes=1), 1 / (1 + torch.arange(6, dtype=torch.float64))

    def exact(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        gain = level.alpha * std**2 / ((level.alpha * std) ** 2 + level.sigma**2)
        return turned.leave(gain * turned.enter(x))

    path = levels(blurred, 200)
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    x = turned.prior(torch.empty(4000, 6, dtype=torch.float64), path[0], noise)
    made = turned.enter(sample(sampler(exact, x, path, None, noise, turned)))
    torch.testing.assert_close(made.std(0), std, rtol=0.12, atol=0)


def test_a_walk_up_in_a_basis_has_the_marginals_of_its_levels() -> None:
    turned, generator = Rotated(axes=1), torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    path = levels(blurred, 6)[:-1].reversed()
    level = path[0]
    x = turned.corrupt(turned.leave(torch.ones(4000, 6, dtype=torch.float64)), level, noise)
    for step, level in zip(DDPM()(lambda x, level, cond: x, x, path, None, noise, turned), path[1:], strict=True):
        found = turned.enter(step.x)
        torch.testing.assert_close(found.mean(0), level.alpha, rtol=0, atol=0.06)
        torch.testing.assert_close(found.std(0), level.sigma, rtol=0, atol=0.06)


def chance(move: Callable[[Callable[[Tensor], Tensor]], Tensor]) -> Tensor:
    """The probability of 1 of each bit that a move draws: the share over a grid of the noise's quantiles."""
    grid = torch.special.ndtri((torch.arange(4000, dtype=torch.float64) + 0.5) / 4000)
    draws = move(lambda like: grid.reshape(-1, *[1] * like.dim()).expand(-1, *like.shape))
    return (draws == 1).double().mean(0)


def test_bits_up_after_corrupt_is_corrupt_and_bridges_keep_the_marginals() -> None:
    process, x0 = Bits(), torch.tensor([1.0, -1.0], dtype=torch.float64)
    r, s, t = (at(Cosine(), time) for time in (0.2, 0.5, 0.8))
    wanted = (1 + t.alpha * x0) / 2
    at_s = chance(lambda noise: process.corrupt(x0, s, noise))
    torch.testing.assert_close(at_s, (1 + s.alpha * x0) / 2, rtol=0, atol=3e-4)
    up = {bit: chance(lambda noise, bit=bit: process.up(torch.full_like(x0, bit), s, t, noise)) for bit in (-1.0, 1.0)}
    torch.testing.assert_close(at_s * up[1.0] + (1 - at_s) * up[-1.0], wanted, rtol=0, atol=1e-3)
    for low in (s, r):
        down = {
            bit: chance(lambda noise, bit=bit, low=low: process.bridge(torch.full_like(x0, bit), x0, t, low, noise))
            for bit in (-1.0, 1.0)
        }
        torch.testing.assert_close(
            wanted * down[1.0] + (1 - wanted) * down[-1.0], (1 + low.alpha * x0) / 2, rtol=0, atol=1e-3
        )


def test_a_bridge_of_an_estimate_is_the_mean_of_the_bridges_of_both_bits() -> None:
    process, x = Bits(), torch.tensor([1.0, -1.0], dtype=torch.float64)
    t, s = at(Cosine(), 0.7), at(Cosine(), 0.3)
    for estimate in (-0.4, 0.9):
        bits = {
            bit: chance(lambda noise, bit=bit: process.bridge(x, torch.full_like(x, bit), t, s, noise))
            for bit in (-1.0, 1.0)
        }
        found = chance(lambda noise, estimate=estimate: process.bridge(x, torch.full_like(x, estimate), t, s, noise))
        likely = (1 + estimate) / 2
        torch.testing.assert_close(found, likely * bits[1.0] + (1 - likely) * bits[-1.0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=lambda schedule: schedule.kind)
def test_ddpm_samples_bits_from_their_exact_distribution(schedule: NoiseSchedule) -> None:
    # Three correlated bits, the first counting four; the exact denoiser enumerates the eight, for each of the eight.
    codes = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
    weights = torch.tensor([0.3, 0.02, 0.05, 0.03, 0.1, 0.05, 0.05, 0.4], dtype=torch.float64)

    def exact(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        likely = ((1 + level.alpha * codes[:, None] * codes) / 2).clamp(min=1e-300).log().sum(2) + weights.log()
        number = (x > 0).double() @ torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)
        return (likely.softmax(1) @ codes)[number.long()]

    count, generator = 40_000, torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    path = levels(schedule, 100)
    x = Bits().prior(torch.empty(count, 3, dtype=torch.float64), path[0], noise)
    made = sample(DDPM()(exact, x, path, None, noise, Bits()))
    assert set(made.unique().tolist()) == {-1.0, 1.0}
    share = (made[:, None] == codes).all(2).double().mean(0)
    error = (weights * (1 - weights) / count).sqrt()
    assert bool(((share - weights).abs() < 4 * error + 2e-3).all()), share


@pytest.mark.parametrize("sampler", [DDIM(), Euler(), Heun(), DPMpp2M(), UniPC()], ids=repr)
def test_samplers_of_differential_equations_refuse_bits_in_a_sentence(sampler: Sampler) -> None:
    with pytest.raises(ValueError, match=r"^sampler \w+ needs a Gaussian process, got bits: use ddpm$"):
        next(sampler(lambda x, level, cond: x, torch.ones(2, 3), levels(Linear(), 5), None, process=Bits()))


@pytest.mark.parametrize("process", [GAUSSIAN, Rotated(axes=1), Bits()], ids=repr)
def test_a_process_survives_its_own_dump(process: Process) -> None:
    assert Process.model_validate(process.model_dump(mode="json")) == process
