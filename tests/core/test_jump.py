"""Jumps from level to level, and what learns them."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from known import double, one_gaussian, seeded, three_gaussians
from toy import Points
from trainings import CPU, finished, same

from becalm.batch import Batch
from becalm.denoiser import Denoiser
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import clamp
from becalm.jump import aim, straight, to_clean, toward
from becalm.level import NoiseLevel
from becalm.model import load
from becalm.noise import Purpose, stream
from becalm.objective import (
    ConsistencyDistillation,
    ConsistencyTraining,
    Denoising,
    DistributionMatching,
    Memory,
    Objective,
    Others,
    Progressive,
    draw,
)
from becalm.objective.draw import BINS
from becalm.process import Bits
from becalm.sampler import DDIM, Consistency, sample
from becalm.schedule import Cosine, Flow, Karras, levels, levels_at
from becalm.train import Training, TrainState, begin
from becalm.train.resume import export, resume, save

TAUGHT: list[Objective] = [
    Progressive(calls=2, drop=0.1),
    ConsistencyDistillation(drop=0.1),
    DistributionMatching(calls=2, drop=0.1),
]


STD = 0.5


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


def batch_and_draw(objective: Objective, schedule: Any, step: int = 0) -> tuple[Batch[None], Any]:
    batch: Batch[None] = Batch.dense(STD * seeded(64, 1).float(), None)
    history = torch.zeros(BINS, dtype=torch.float64)
    return batch, draw(objective, schedule, batch, history, seed=0, step=step)


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


def test_matching_a_gaussian_ends_at_its_mean_and_spread_with_an_exact_critic() -> None:
    """The divergence of two Gaussians is least, and its gradient none, where they are the same."""
    objective = DistributionMatching()
    mean_there, spread_there = 0.7, STD

    def gaussian(mean: torch.Tensor, std: torch.Tensor) -> Denoiser[None]:
        def denoise(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
            alpha, sigma = level.alpha.to(x), level.sigma.to(x)
            return mean + alpha * std**2 * (x - alpha * mean) / (alpha**2 * std**2 + sigma**2)

        return denoise

    teacher = gaussian(torch.tensor(mean_there), torch.tensor(spread_there))
    place = torch.tensor([-0.5, 0.0], requires_grad=True)  # Mean and log spread of what the student makes.
    optimizer = torch.optim.Adam([place], lr=0.1)
    for step in range(100):
        student = lambda x, level, cond: place[0] + place[1].exp() * x  # noqa: E731
        critic = gaussian(place[0].detach(), place[1].exp().detach())
        batch, drawn = batch_and_draw(objective, Cosine(), step)
        assert float(drawn.levels[0].t.min()) == 1.0
        optimizer.zero_grad()
        objective.losses(student, Others(teacher=teacher, critic=critic), batch, drawn).mean().backward()
        optimizer.step()
    torch.testing.assert_close(place[0].item(), mean_there, rtol=0, atol=0.02)
    torch.testing.assert_close(place[1].exp().item(), spread_there, rtol=0, atol=0.02)


def test_a_guided_teacher_is_a_line_through_its_two_estimates_up_to_a_time() -> None:
    objective = DistributionMatching(guidance=3.0, guidance_high=0.4)
    assert objective.sampling()["guidance"] == 1.0  # The student's own estimates are to be guided no more.

    def teacher(x: torch.Tensor, level: NoiseLevel, cond: Any) -> torch.Tensor:
        return torch.full_like(x, cond)

    batch, drawn = batch_and_draw(objective, Cosine())
    batch = replace(batch, cond=0.5)
    seen = []

    def critic(x: torch.Tensor, level: NoiseLevel, cond: Any) -> torch.Tensor:
        seen.append(level.t)
        return torch.zeros_like(x)

    made = torch.full_like(batch.x0, 2.0).requires_grad_()
    others = Others(teacher=teacher, critic=critic, drop=lambda cond: 0.1)
    objective.losses(lambda x, level, cond: made, others, batch, drawn).sum().backward()
    taught = torch.where(seen[0] <= 0.4, 0.1 + 3 * 0.4, 0.5).float()
    assert made.grad is not None and 0.2 < float((seen[0] <= 0.4).double().mean()) < 0.6
    torch.testing.assert_close(made.grad, -taught / (2 - taught))
    with pytest.raises(UserError, match="without null condition cannot be guided"):
        objective.losses(lambda x, level, cond: made, Others(teacher=teacher, critic=critic), batch, drawn)


def test_a_critic_learns_what_the_student_makes_and_the_student_nothing_from_it() -> None:
    objective, scale = DistributionMatching(), torch.ones((), requires_grad=True)
    batch, drawn = batch_and_draw(objective, Cosine())
    made = torch.full_like(batch.x0, 0.3).requires_grad_()
    critic: Denoiser[None] = lambda x, level, cond: scale * 0.5 + 0 * x  # noqa: E731
    loss = objective.losses(lambda x, level, cond: made, Others(teacher=critic, critic=critic), batch, drawn)
    loss.sum().backward()
    # Teacher and critic agree, so that the student stays; the critic's error is the distance from what was made.
    assert made.grad is not None and float(made.grad.abs().max()) == 0
    level = drawn.levels[1]
    weight = ((level.alpha**2 + level.sigma**2) / level.sigma**2).flatten().float()
    torch.testing.assert_close(loss.detach(), weight * (0.5 - 0.3) ** 2, rtol=1e-4, atol=1e-6)
    assert scale.grad is not None and float(scale.grad) > 0


@pytest.fixture(scope="module")
def origin() -> Checkpoint:
    settings = Training(steps=6, precision="fp32", warmup=0)
    return export(finished(begin(Points(width=8), Cosine(), Denoising(drop=0.1), settings, CPU)))


def begun(objective: Objective, origin: Checkpoint | None) -> TrainState[Any]:
    settings = Training(steps=6, precision="fp32", warmup=0)
    return begin(Points(width=8), Cosine(), objective, settings, CPU, origin=origin)


@pytest.mark.parametrize("objective", TAUGHT, ids=lambda objective: objective.name)
def test_a_training_with_a_teacher_is_resumed_to_the_bit(
    objective: Objective, origin: Checkpoint, installed_toy: Any, tmp_path: Any
) -> None:
    from becalm.train import train

    whole = finished(begun(objective, origin))
    half = begun(objective, origin)
    for step in train(half):
        if step.step == 3:
            break
    save(half, tmp_path / "half.safetensors")
    assert not any(name.startswith("teacher") for name in Checkpoint.read(tmp_path / "half.safetensors").tensors)
    request = load(tmp_path / "half.safetensors", "cpu").request()
    assert (request.sampler.name, request.steps) == (objective.sampling()["sampler"]["kind"], 2)
    again = resume(tmp_path / "half.safetensors", CPU)
    assert again.teacher is not None
    for name, weight in again.teacher.state_dict().items():
        assert torch.equal(weight, origin.tensors[f"network.{name}"])
    assert same(finished(again), whole)


@pytest.mark.parametrize("objective", TAUGHT, ids=lambda objective: objective.name)
def test_a_teacher_must_be_there_and_predict_the_same(objective: Objective, origin: Checkpoint) -> None:
    with pytest.raises(UserError, match="begin from a trained checkpoint"):
        begun(objective, None)
    with pytest.raises(UserError, match="prediction is v"):
        begun(objective.model_copy(update={"prediction": "flow"}), origin)


def test_consistency_needs_a_process_with_paths() -> None:
    with pytest.raises(UserError, match="needs a Gaussian process"):
        ConsistencyTraining(prediction="x0").check(Cosine(), Bits())
