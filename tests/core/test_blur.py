"""Blur: a level per frequency that any sampler walks, and without blur the ordinary process to the bit."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import becalm
from becalm.level import NoiseLevel
from becalm.network.embedding import waves
from becalm.objective import Hybrid
from becalm.process import GAUSSIAN, Process, Rotated
from becalm.process.rotated import cosines
from becalm.sampler import DDIM, DDPM, DPMpp2M, Heun, Sampler, sample
from becalm.schedule import Blur, Cosine, Flow, Schedule, levels


def test_blur_is_the_heat_equation_in_the_cosine_basis() -> None:
    # A cosine of frequency k decays by exp(-lambda tau); a narrow bump in the middle of a long line becomes a Gaussian.
    size, spread = 64, 3.0
    schedule = Blur(sizes=(size,), blur=spread, floor=1e-12)
    level = schedule(torch.ones((), dtype=torch.float64) * 0.999999)
    kept = level.alpha / Cosine()(level.t).alpha
    line = torch.zeros(size, dtype=torch.float64)
    line[31:33] = 0.5
    basis = cosines(size, line.device, line.dtype)
    place = torch.arange(size, dtype=torch.float64) - 31.5
    blurred = basis.T @ (kept * (basis @ line))
    assert abs(float((blurred * place**2).sum()) - 0.25 - spread**2) < 0.01


def test_frequencies_go_from_high_to_low_and_the_other_way_round() -> None:
    for blur in (5.0, -5.0):
        alpha = Blur(sizes=(6, 4), blur=blur)(torch.tensor(0.5)).alpha
        order = alpha.diff(dim=0), alpha.diff(dim=1)
        assert all(bool((math.copysign(1, blur) * part <= 0).all()) for part in order)
    one_each = Blur(sizes=(6, 4))(torch.tensor([0.0, 0.5, 1.0]))
    assert one_each.alpha.shape == one_each.sigma.shape == (3, 6, 4)
    assert bool((one_each.alpha[0] == 1).all()) and bool((one_each.alpha[2] == 0).all())


class Small(nn.Module):
    """A network of rows of 8 numbers that is told the level's waves."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.tensor([1.0, 3.0, 9.0]))
        self.layers = nn.Sequential(nn.Linear(14, 64), nn.SiLU(), nn.Linear(64, 8))

    def forward(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        told = waves(level, self.frequencies, x).expand(len(x), -1)
        out: Tensor = self.layers(torch.cat([x, told], 1))
        return out


def trained(schedule: Schedule, process: Process, steps: int) -> Any:
    torch.manual_seed(0)
    walk = torch.randn(1500, 8, generator=torch.Generator().manual_seed(1)).cumsum(1)
    return becalm.fit(
        Small(), walk, schedule=schedule, process=process, training={"steps": steps, "rate": 2e-2, "precision": "fp32"}
    )


def test_without_blur_training_and_samples_are_those_of_the_ordinary_process_to_the_bit() -> None:
    ordinary, off = trained(Cosine(), GAUSSIAN, 5), trained(Blur(sizes=(8,), blur=0), GAUSSIAN, 5)
    assert all(torch.equal(a, b) for a, b in zip(ordinary.network.parameters(), off.network.parameters(), strict=True))
    made = [model.sample(count=3, steps=4, sampler="dpmpp2m", seed=2).data for model in (ordinary, off)]
    assert torch.equal(*made)


def test_a_network_trained_under_blur_samples_through_unmodified_samplers() -> None:
    model = trained(Blur(sizes=(8,), blur=2.0), Rotated(axes=1), 200)
    for sampler in ("ddim", "ddpm", "dpmpp2m"):
        made = model.sample(count=500, steps=20, sampler=sampler, seed=2).data
        wanted = torch.arange(1, 9).double().sqrt()
        torch.testing.assert_close(made.double().std(0), wanted, rtol=0.25, atol=0)


@pytest.mark.parametrize("sampler", [DDIM(), DDPM(), DPMpp2M(), Heun()], ids=repr)
@pytest.mark.parametrize("blur", [3.0, -3.0])
def test_samplers_give_the_exact_spread_of_every_frequency(sampler: Sampler, blur: float) -> None:
    turned, std = Rotated(axes=1), 1 / (1 + torch.arange(6, dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)

    def exact(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        gain = level.alpha * std**2 / ((level.alpha * std) ** 2 + level.sigma**2)
        return turned.leave(gain * turned.enter(x))

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    path = levels(Blur(sizes=(6,), blur=blur, floor=0.02, base=Flow()), 100, "linspace", start=0.999)
    x = turned.prior(torch.empty(3000, 6, dtype=torch.float64), path[0], noise)
    made = turned.enter(sample(sampler(exact, x, path, None, noise, turned)))
    torch.testing.assert_close(made.std(0), std, rtol=0.12, atol=0)


def test_a_process_or_data_that_blur_has_no_levels_for_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="needs process rotated with axes 1, .* got gaussian$"):
        trained(Blur(sizes=(8,)), GAUSSIAN, 1)
    with pytest.raises(ValueError, match="^schedule blur needs sizes 8, as the data have, got 9$"):
        trained(Blur(sizes=(9,)), Rotated(axes=1), 1)


def test_a_learned_variance_is_refused_where_noise_is_in_a_basis() -> None:
    Hybrid().check(Cosine(), GAUSSIAN)
    with pytest.raises(ValueError, match="process gaussian, got rotated: use objective denoising$"):
        Hybrid().check(Cosine(), Rotated(axes=1))
