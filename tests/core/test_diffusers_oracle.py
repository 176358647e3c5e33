"""Samplers agree with diffusers where its formulas are right; where they are not, with the few lines that are.

Both sides call one function for eps, exact for a mixture of Gaussians. Its index i is our time (i + 1) / 1000.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from known import double, seeded, three_gaussians
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Heun, Sampler, UniPC, sample
from becalm.schedule import CappedCosine, Linear, betas, levels

diffusers = pytest.importorskip("diffusers")

T = 1000
SCHEDULE, MIXTURE = Linear(), three_gaussians()
SETTINGS = {"num_train_timesteps": T, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
TRAILING = {"timestep_spacing": "trailing", "final_sigmas_type": "zero"}
START = seeded(256, 4, seed=1).float()
CLEAN = levels(SCHEDULE, 1)[-1]


def at_index(index: float) -> NoiseLevel:
    return SCHEDULE(double((index + 1) / T))


def eps(x: Tensor, index: float) -> Tensor:
    level = at_index(index)
    return level.eps(x.double(), MIXTURE(x.double(), level)).to(x)


def denoise(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
    return (x - level.sigma * eps(x, float(level.t) * T - 1)) / level.alpha


def path(scheduler: Any) -> list[NoiseLevel]:
    return [at_index(index) for index in dict.fromkeys(scheduler.timesteps.tolist())] + [CLEAN]


def noises() -> Callable[[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(5)
    return lambda like: torch.randn(like.shape, generator=generator).to(like)


def theirs(scheduler: Any, x: Tensor, **arguments: Any) -> Tensor:
    """Their loop. A scheduler that draws its own noise is given ``noise``, ours."""
    noise = arguments.pop("noise", None)
    for index in scheduler.timesteps:
        if noise is not None:
            arguments["variance_noise"] = noise(x)
        output = eps(scheduler.scale_model_input(x, index), float(index))
        x = scheduler.step(output, index, x, **arguments).prev_sample
    return x


def made(name: str, steps: int, **settings: Any) -> Any:
    scheduler = getattr(diffusers, name)(**SETTINGS, **settings)
    scheduler.set_timesteps(steps)
    return scheduler


def distance(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).double().square().mean().sqrt() / wanted.double().square().mean().sqrt())


def ours(sampler: Sampler, levels: list[NoiseLevel]) -> Tensor:
    return sample(sampler(denoise, START, levels, None, noises()))


@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("steps", [1000, 50])
def test_ddpm_full_and_strided(monkeypatch: pytest.MonkeyPatch, steps: int, variance: Any) -> None:
    settings = {"variance_type": f"fixed_{variance}", "clip_sample": False, "timestep_spacing": "leading"}
    scheduler, noise = made("DDPMScheduler", steps, **settings), noises()
    drawn = "diffusers.schedulers.scheduling_ddpm.randn_tensor"
    monkeypatch.setattr(drawn, lambda shape, **_: noise(torch.empty(shape)))
    assert distance(ours(DDPM(variance), path(scheduler)), theirs(scheduler, START)) < 5e-5


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [50, 20])
def test_ddim(steps: int, eta: float) -> None:
    scheduler = made("DDIMScheduler", steps, clip_sample=False, timestep_spacing="leading")
    wanted = theirs(scheduler, START, eta=eta, noise=noises())
    assert distance(ours(DDIM(eta), path(scheduler)), wanted) < 2e-5


def test_ddim_whose_estimate_is_clipped_but_not_its_noise() -> None:
    scheduler = made("DDIMScheduler", 20, clip_sample=True, clip_sample_range=0.8, timestep_spacing="leading")
    wanted = theirs(scheduler, START, eta=0.5, noise=noises())
    assert distance(ours(DDIM(0.5, clip_sample=0.8), path(scheduler)), wanted) < 2e-5


@pytest.mark.parametrize(
    ("sampler", "name", "settings"),
    [
        pytest.param(DPMpp2M(), "DPMSolverMultistepScheduler", TRAILING, id="2m"),
        pytest.param(UniPC(1), "UniPCMultistepScheduler", {**TRAILING, "solver_order": 1}, id="unipc1"),
        pytest.param(UniPC(2), "UniPCMultistepScheduler", {**TRAILING, "solver_order": 2}, id="unipc2"),
        pytest.param(UniPC(3), "UniPCMultistepScheduler", {**TRAILING, "solver_order": 3}, id="unipc3"),
    ],
)
@pytest.mark.parametrize("steps", [20, 50])
def test_multistep_samplers(sampler: Sampler, name: str, settings: dict[str, Any], steps: int) -> None:
    scheduler = made(name, steps, **settings)
    assert distance(ours(sampler, path(scheduler)), theirs(scheduler, START)) < 2e-6


@pytest.mark.parametrize("steps", [20, 50])
def test_sde(steps: int) -> None:
    scheduler = made("DPMSolverMultistepScheduler", steps, algorithm_type="sde-dpmsolver++", **TRAILING)
    assert distance(ours(DPMppSDE(), path(scheduler)), theirs(scheduler, START, noise=noises())) < 2e-6


@pytest.mark.parametrize(("sampler", "name"), [(Euler(), "EulerDiscreteScheduler"), (Heun(), "HeunDiscreteScheduler")])
@pytest.mark.parametrize("steps", [20, 50])
def test_euler_and_heun(sampler: Sampler, name: str, steps: int) -> None:
    scheduler = made(name, steps, timestep_spacing="trailing")
    walked = path(scheduler)
    # Their x is ours divided by alpha.
    assert distance(ours(sampler, walked), theirs(scheduler, START / walked[0].alpha)) < 2e-6


def ddim_by_hand(indices: list[int]) -> Tensor:
    """Song et al. 2021, eq. 12, from each index to the next in the list."""
    x = START.double()
    bars = [float(at_index(index).alpha) ** 2 for index in indices] + [1.0]
    for index, (now, then) in zip(indices, pairwise(bars), strict=True):
        noise = eps(x, index)
        x = then**0.5 * (x - (1 - now) ** 0.5 * noise) / now**0.5 + (1 - then) ** 0.5 * noise
    return x


@pytest.mark.parametrize("spacing", ["linspace", "trailing"])
def test_ddim_on_an_uneven_grid_steps_to_the_next_grid_point(spacing: str) -> None:
    # diffusers steps to t - T // N, which is not the next point where N does not divide T, nor anywhere on linspace.
    scheduler = made("DDIMScheduler", 30, clip_sample=False, timestep_spacing=spacing)
    right = ddim_by_hand(scheduler.timesteps.tolist())
    assert distance(ours(DDIM(), path(scheduler)), right) < 2e-6
    assert distance(theirs(scheduler, START), right) > 3e-3


def third_order_by_hand(indices: list[int], share: float, correct: bool, last: int) -> Tensor:
    """DPM-Solver++(3M) in differences, as diffusers writes it; ``share`` of the term in the second difference.

    Args:
        share: 1 is the Taylor series' h^2 D'' / 2 with D2 = h^2 D'' / 2 integrated; diffusers has one half of that.
        correct: Whether the first step is corrected by the estimate at its end.
        last: Number of steps at the end that are not third order.
    """
    grid = [at_index(index) for index in indices]
    lam = [float(level.log_snr) / 2 for level in grid]
    x, past = START.double(), list[Tensor]()
    for step, (level, after) in enumerate(pairwise([*grid, CLEAN])):
        x0 = denoise(x, level, None)
        if step == len(grid) - 1:
            return x0
        h = double(lam[step + 1] - lam[step])
        gain = -torch.expm1(-h)
        if step == 1 and correct:
            before = double(lam[1] - lam[0])
            x = x + level.alpha * (1 + torch.expm1(-before) / before) * (x0 - past[-1])
        x = after.sigma / level.sigma * x + after.alpha * gain * x0
        if step:
            slope = (x0 - past[-1]) * h / (lam[step] - lam[step - 1])
        if step == 1 or (step > 1 and step >= len(grid) - last):
            x = x + after.alpha * gain * slope / 2
        elif step > 1:
            older = (past[-1] - past[-2]) * h / (lam[step - 1] - lam[step - 2])
            second = (slope - older) * h / (lam[step] - lam[step - 2])
            first = slope + second * (lam[step] - lam[step - 1]) / h
            x = x + after.alpha * ((1 - gain / h) * first + share * (1 - 2 / h + 2 * gain / h**2) * second)
        past.append(x0)
    return x


@pytest.mark.parametrize("steps", [20, 50])
def test_third_order_integrates_the_whole_second_difference_where_diffusers_takes_half(steps: int) -> None:
    scheduler = made("DPMSolverMultistepScheduler", steps, solver_order=3, **TRAILING)
    indices, their = scheduler.timesteps.tolist(), theirs(scheduler, START)
    assert distance(their, third_order_by_hand(indices, share=0.5, correct=False, last=1)) < 2e-6
    right = third_order_by_hand(indices, share=1.0, correct=True, last=2)
    assert distance(ours(DPMpp3M(), path(scheduler)), right) < 2e-6
    assert distance(their, right) > 1e-3


@pytest.mark.parametrize("steps", [10, 100, 1000])
def test_the_capped_cosine_is_squaredcos_cap_v2(steps: int) -> None:
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=steps, beta_schedule="squaredcos_cap_v2")
    # Its own table is float32: the formula in doubles to the last digits, then its table to float32's.
    curve = [math.cos((k / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(steps + 1)]
    wanted = torch.tensor([min(1 - after / before, 0.999) for before, after in pairwise(curve)], dtype=torch.float64)
    found = betas(CappedCosine(steps=steps), steps)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.float(), scheduler.betas, rtol=1e-6, atol=0)


def test_the_tables_are_diffusers_tables() -> None:
    scheduler = made("DDPMScheduler", 10)
    alpha = SCHEDULE(torch.arange(1, T + 1, dtype=torch.float64) / T).alpha
    torch.testing.assert_close(scheduler.alphas_cumprod.double(), alpha**2, rtol=2e-5, atol=0)
