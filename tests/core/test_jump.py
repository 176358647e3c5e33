"""Jumps from level to level, and what learns them."""

from typing import Any

import pytest
import torch
from known import double, one_gaussian, seeded, three_gaussians
from matched import STD, batch_and_draw

from becalm.denoiser import Denoiser
from becalm.errors import UserError
from becalm.guidance import clamp
from becalm.jump import aim, straight, to_clean, toward
from becalm.level import NoiseLevel
from becalm.noise import Purpose, stream
from becalm.objective import (
    ConsistencyDistillation,
    ConsistencyTraining,
    Memory,
    Others,
    Progressive,
)
from becalm.objective.draw import BINS
from becalm.process import Bits
from becalm.sampler import DDIM, Consistency, sample
from becalm.schedule import Cosine, Flow, Karras, levels, levels_at


def mean(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
    """The exact denoiser of data N(0, STD^2), under a level for each row."""
    alpha, sigma = level.alpha.to(x), level.sigma.to(x)
    return alpha * STD**2 * x / (alpha**2 * STD**2 + sigma**2)


def end(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
    """Where the ODE's path through x ends: s x / sqrt(alpha^2 s^2 + sigma^2)."""
    return STD * x / torch.hypot(level.alpha * STD, level.sigma).to(x)


def at(schedule: Any, time: float) -> NoiseLevel:
    level: NoiseLevel = schedule(double(time))
    return level


@pytest.mark.parametrize("schedule", [Cosine(), Flow(), Karras()], ids=lambda schedule: schedule.kind)
def test_straight_moves_join_invert_and_stay_where_the_level_stays(schedule: Any) -> None:
    x, x0 = seeded(2, 5, 3)
    high, mid, low = (at(schedule, time) for time in (0.9, 0.5, 0.2))
    twice = toward(toward(x, x0, high, mid), x0, mid, low)
    torch.testing.assert_close(twice, toward(x, x0, high, low), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(aim(x, toward(x, x0, high, low), high, low), x0, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(toward(x, x0, mid, mid), x)
    clean = levels(Cosine(), 1)[-1]
    assert torch.equal(toward(x, x0, clean, clean), x)


def test_a_denoisers_jumps_are_steps_of_ddim_and_the_one_to_clean_is_the_denoiser() -> None:
    path, denoise = levels(Cosine(), 4), three_gaussians()
    x = seeded(6, 4)
    jump, walked = straight(denoise), x
    for level, to in zip(path, path[1:], strict=False):
        walked = jump(walked, level, to, None)
    torch.testing.assert_close(walked, sample(DDIM()(denoise, x, path, None)), rtol=1e-6, atol=1e-6)
    ended: Denoiser[None] = clamp(-0.1, 0.1)(to_clean(jump, path[-1]))
    expected = denoise(x, path[1], None).clamp(-0.1, 0.1)
    torch.testing.assert_close(ended(x, path[1], None), expected)


def test_the_end_of_a_gaussians_path_is_consistent_and_its_sampler_exact_in_any_number_of_calls() -> None:
    exact = one_gaussian(0.0, STD)
    fine, x = levels(Cosine(), 2000), seeded(4, 1)
    torch.testing.assert_close(sample(DDIM()(exact, x, fine, None)), end(x, fine[0], None), rtol=3e-3, atol=1e-4)
    for calls in (1, 2, 3):
        noise = stream(0, torch.arange(4000), Purpose.STEP)
        start = stream(0, torch.arange(4000), Purpose.START)(torch.empty(4000, 1))
        drawn = sample(Consistency()(end, start, levels(Cosine(), calls), None, noise))
        assert float(drawn.std()) == pytest.approx(STD, rel=0.04)
    # The mean in its place is too narrow: in one call a single point.
    assert float(sample(Consistency()(exact, x, levels(Cosine(), 1), None)).std()) < 1e-6


def test_consistency_sampling_walks_with_bits_and_sample_i_is_the_same_in_any_company() -> None:
    def half(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
        return 0.5 * x

    def drawn(numbers: torch.Tensor, process: Any) -> torch.Tensor:
        start = stream(1, numbers, Purpose.START)(torch.empty(len(numbers), 3)).sign()
        noise = stream(1, numbers, Purpose.STEP)
        return sample(Consistency()(half, start, levels(Flow(), 3), None, noise, process))

    for process in (None, Bits()):
        whole = drawn(torch.arange(5), process)
        assert torch.equal(whole[3:4], drawn(torch.tensor([3]), process))
    assert not torch.equal(whole, 0.5 * whole.sign() * 2)


def test_the_exact_consistency_function_of_a_gaussian_has_no_loss_as_the_gap_closes() -> None:
    losses = []
    for gap in (0.2, 0.1, 0.05):
        objective = ConsistencyDistillation(gap=gap, least=gap)
        batch, drawn = batch_and_draw(objective, Cosine())
        losses.append(float(objective.losses(end, Others(teacher=mean), batch, drawn).mean()))
    # The teacher's move is of first order, so its error is a gap's square.
    assert losses[1] < 0.35 * losses[0] and losses[2] < 0.35 * losses[1]


def test_with_a_gap_of_all_of_the_time_consistency_is_denoising() -> None:
    objective = ConsistencyTraining(gap=1.0, least=1.0, huber=1e3)
    batch, drawn = batch_and_draw(objective, Cosine())
    squared = batch.mean((mean(drawn.x, drawn.level, None) - batch.x0) ** 2)
    # Far below its bend the pseudo-Huber loss is e^2 / 2c.
    loss = objective.losses(mean, Others(), batch, drawn)
    torch.testing.assert_close(loss.double(), squared.double() / 2e3, rtol=1e-2, atol=1e-4)


def test_the_gap_halves_and_then_stays() -> None:
    objective = ConsistencyTraining(gap=0.5, halve=10, least=0.125)
    memory = Memory(Cosine(), torch.zeros(BINS))
    for step, gap in ((0, 0.5), (9, 0.5), (10, 0.25), (25, 0.125), (900, 0.125)):
        for counted in (step, torch.tensor(step)):
            _, cleaner = objective.times(double([1.0, 0.4, 1e-3]), memory, counted)
            torch.testing.assert_close(cleaner, double([1 - gap, 0.4 * (1 - gap), 0.0]))


def test_a_progressive_student_that_jumps_as_its_teacher_walks_has_no_loss() -> None:
    """The target in closed form: Gaussian data, whose teacher's two moves are linear in x."""
    objective = Progressive(calls=3)

    def student(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
        there = []
        for value, time in zip(x, level.t.flatten().tolist(), strict=True):
            path = levels_at(Cosine(), (time, time - 1 / 6))[:2]
            end = at(Cosine(), max(time - 1 / 3, 0.0))
            walked = value
            for now, to in ((path[0], path[1]), (path[1], end)):
                walked = toward(walked, mean(walked, now, None), now, to)
            there.append(aim(value, walked, path[0], end))
        return torch.stack(there)

    batch, drawn = batch_and_draw(objective, Cosine())
    assert set((3 * drawn.t).round().tolist()) == {1.0, 2.0, 3.0}
    loss = objective.losses(student, Others(teacher=mean), batch, drawn)
    assert float(loss.max()) < 1e-8


def test_a_progressive_student_of_no_temperature_learns_where_the_one_path_of_each_condition_ends() -> None:
    objective = Progressive(calls=1, substeps=4, temperature=0.0)
    assert objective.sampling()["temperature"] == 0.0

    def teacher(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
        return 1 + mean(x - level.alpha.to(x), level, None)

    walked = sample(DDIM()(teacher, double([0.0]), levels(Cosine(), 4), None))
    batch, drawn = batch_and_draw(objective, Cosine())
    wrong = objective.losses(lambda x, level, cond: walked + 0 * x, Others(teacher=teacher), batch, drawn)
    assert float(wrong.max()) < 1e-8
    with pytest.raises(UserError, match="plain Gaussian noise, got 0 under bits"):
        Progressive(temperature=0.0, prediction="x0").check(Cosine(), Bits())


def test_consistency_needs_a_process_with_paths() -> None:
    with pytest.raises(UserError, match="needs a Gaussian process"):
        ConsistencyTraining(prediction="x0").check(Cosine(), Bits())
