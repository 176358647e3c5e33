"""Paths through chosen times, training at them alone, and updates after the last step."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known import double, one_gaussian, seeded, three_gaussians
from torch import Tensor, nn
from toy import Points, model

from becalm.batch import Batch
from becalm.denoiser import GaussianMixture
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.objective import Fixed, Objective, draw, losses
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMppSDE, Euler, Extra, Sampler, sample
from becalm.schedule import Cosine, Flow, Karras, Linear, NoiseSchedule, levels, levels_at

DESCENDING = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=6, unique=True).map(lambda t: sorted(t)[::-1])
WRONG = [[], [1.0, 1.0], [0.1, 1.0], [1.5], [1.0, 0.0], [-0.5]]


# Paths


@given(DESCENDING, st.sampled_from([Cosine(), Flow(), Karras(), Linear()]))
def test_a_path_visits_the_times_it_is_given_and_ends_clean(times: list[float], schedule: NoiseSchedule) -> None:
    path = levels_at(schedule, times)
    assert [float(level.t) for level in path] == [*times, 0.0]
    assert (float(path[-1].alpha), float(path[-1].sigma)) == (1.0, 0.0)
    for level, time in zip(path, times, strict=False):
        assert torch.equal(level.sigma, schedule(double(time)).sigma)


@pytest.mark.parametrize("times", WRONG)
def test_times_that_no_path_can_visit_are_one_sentence(times: list[float]) -> None:
    with pytest.raises(ValueError, match=r"times must descend strictly within \(0, 1\], got "):
        levels_at(Flow(), times)
    with pytest.raises(ValueError, match="times must descend strictly"):
        model().domain.request(times=tuple(times))


@pytest.mark.parametrize("name", ["ddim", "ddpm", "dpmpp2m", "unipc"])
def test_times_say_the_same_as_steps_where_they_are_the_same(name: str) -> None:
    of, fields = model(schedule=Linear()), {"count": 5, "sampler": name}
    times = tuple(float(level.t) for level in levels(Linear(), 4))[:-1]
    even = of.sample(steps=4, **fields).x0
    assert torch.equal(of.sample(times=times, steps=9, spacing="karras", **fields).x0, even)


def test_a_run_yields_as_many_steps_as_its_request_says() -> None:
    of = model()
    for fields in ({}, {"times": (1.0, 0.5, 0.2)}, {"extra": 4}, {"times": (0.7,), "extra": 2}):
        request = of.request(count=2, steps=5, **fields)
        assert [step.index for step in of.steps(request)] == list(range(request.updates))


def test_an_edit_at_chosen_times_starts_at_the_first_of_them() -> None:
    of, data = model(), torch.tensor([[0.5, 0.2]]).expand(4, 2)
    by_start = [step.x for step in of.edit(data, count=4, start=0.4, steps=2, sampler="ddim")]
    by_times = [step.x for step in of.edit(data, count=4, times=(0.4, 0.2), sampler="ddim")]
    assert all(torch.equal(one, other) for one, other in zip(by_start, by_times, strict=True))
    with pytest.raises(ValueError, match="leave start at 1, got 0.4"):
        next(of.edit(data, count=4, start=0.4, times=(1.0, 0.1)))


# Temperature


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp2m", "euler"])
def test_without_temperature_a_deterministic_sampler_gives_one_answer(sampler: str) -> None:
    x0 = model().sample(count=6, label=1, sampler=sampler, steps=4, temperature=0.0).x0
    assert torch.equal(x0, x0[:1].expand(6, 2))


def test_temperature_scales_the_starting_noise_and_nothing_else() -> None:
    class Silent(Points):
        def network(self) -> nn.Module:
            return Ignoring()

    of = model(Silent(), prediction="eps", schedule=Linear())
    warm, cold = (of.sample(count=4, sampler="ddim", steps=3, temperature=t).x0 for t in (1.0, 0.25))
    torch.testing.assert_close(cold, 0.25 * warm)
    noisy = of.sample(count=4, sampler="ddpm", steps=3, temperature=0.0).x0
    assert len(torch.unique(noisy)) == noisy.numel(), "the noise of the steps stays"


class Ignoring(nn.Module):
    """Sees no noise at all."""

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return torch.zeros_like(x)


# Two calls at (1, 0.1): the minimal iterative policy (Pan et al. 2025)


class Toy(nn.Module):
    """A function of alpha x0 + sigma eps, which becalm hands over at unit variance, and of the time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Linear(3, 2)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        time = level.t.to(x).expand(len(x), 1)
        return torch.tanh(self.layers(torch.cat([x * level.total_std.to(x), time], 1))) + 0.1 * cond[:, None]


class TwoCalls(Points):
    """Points whose network predicts x0."""

    def network(self) -> nn.Module:
        return Toy()


@pytest.mark.parametrize("sampler", ["ddim", "euler"])
def test_two_calls_without_noise_are_the_network_of_nine_tenths_of_itself(sampler: str) -> None:
    of = model(TwoCalls(), schedule=Flow(), prediction="x0")
    made = of.sample(count=4, sampler=sampler, times=(1.0, 0.1), temperature=0.0)
    time = {t: Flow()(double(t)) for t in (1.0, 0.1)}
    cond = made.cond
    first = of.network(torch.zeros(4, 2), time[1.0], cond)
    second = of.network(0.9 * first / time[0.1].total_std.float(), time[0.1], cond)
    torch.testing.assert_close(made.x0, second, rtol=1e-6, atol=1e-7)


def test_one_call_at_pure_noise_is_regression() -> None:
    of = model(TwoCalls(), schedule=Flow(), prediction="x0")
    made = of.sample(count=4, sampler="euler", times=(1.0,), temperature=0.0)
    assert torch.equal(made.x0, of.network(torch.zeros(4, 2), Flow()(double(1.0)), made.cond))


# Training at chosen times


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**31))
def test_each_time_has_an_equal_share_of_every_batch(times: int, each: int, step: int) -> None:
    chosen = tuple((number + 1) / times for number in range(times))
    batch = Batch.dense(torch.zeros(times * each, 1), None)
    drawn = draw(Objective(times=Fixed(times=chosen)), Flow(), batch, torch.zeros(32), seed=1, step=step)
    assert sorted(drawn.t.tolist()) == sorted(time for time in chosen for _ in range(each))
    assert torch.equal(drawn.weight, torch.ones_like(drawn.weight))


def test_times_that_do_not_divide_the_batch_are_equal_on_average() -> None:
    objective, batch = Objective(times=Fixed(times=(1.0, 0.1))), Batch.dense(torch.zeros(3, 1), None)
    drawn = [draw(objective, Flow(), batch, torch.zeros(32), seed=0, step=step).t for step in range(400)]
    assert all(int((t == 1.0).sum()) in (1, 2) for t in drawn)
    assert abs(float((torch.cat(drawn) == 1.0).double().mean()) - 0.5) < 0.02


def test_the_loss_at_pure_noise_is_the_error_of_the_regression() -> None:
    generator = torch.Generator().manual_seed(0)
    batch = Batch.dense(torch.randn(6, 2, generator=generator), torch.tensor([0, 1, 0, 1, 0, 1]))
    objective, network = Objective(prediction="x0", times=Fixed()), Constant()
    drawn = draw(objective, Flow(), batch, torch.zeros(32), seed=0, step=0)
    weighted, bare = losses(objective, network, batch, drawn, batch.cond)
    torch.testing.assert_close(weighted, (batch.x0 - 0.5).square().mean(1))
    assert torch.equal(weighted, bare)


class Constant(nn.Module):
    """Answers 1/2."""

    def forward(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        return torch.full_like(x, 0.5)


@pytest.mark.parametrize("weighting", ["snr", "min_snr", "p2"])
def test_a_time_without_weight_is_refused(weighting: Any) -> None:
    objective = Objective(prediction="x0", weighting=weighting, times=Fixed(times=(1.0, 0.1)))
    with pytest.raises(ValueError, match="gives time 1 the weight 0, so nothing is learned there"):
        objective.check(Flow())
    Objective(prediction="x0", times=Fixed(times=(1.0, 0.1))).check(Flow())
    Objective(prediction="x0", weighting=weighting, times=Fixed(times=(0.5, 0.1))).check(Flow())


@pytest.mark.parametrize("times", [(), (0.0,), (1.0, 1.5), (-1.0,)])
def test_times_outside_the_schedule_are_not_trained_on(times: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match=r"times must lie in \(0, 1\], got "):
        Fixed(times=times)


# Extra updates (Diffusion-X, Pearce et al. 2023)

SAMPLERS: list[Sampler] = [DDPM(), DDIM(), DDIM(0.5), Euler(), DPMpp2M(), DPMppSDE()]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_no_extra_update_leaves_a_sampler_as_it_is(sampler: Sampler) -> None:
    torch.manual_seed(0)
    plain = sample(sampler(three_gaussians(), seeded(5, 4), levels(Cosine(), 6), None))
    torch.manual_seed(0)
    assert torch.equal(sample(Extra(sampler, 0)(three_gaussians(), seeded(5, 4), levels(Cosine(), 6), None)), plain)


@pytest.mark.parametrize("schedule", [Cosine(), Flow(), Karras()], ids=lambda schedule: schedule.kind)
def test_extra_updates_shift_to_the_mode_of_one_gaussian(schedule: NoiseSchedule) -> None:
    oracle = one_gaussian()
    path = levels_at(schedule, [1.0, 0.6, 0.4])
    steps = list(Extra(DDIM(), 60)(oracle, seeded(8, 1) * path[0].total_std, path, None))
    assert [step.index for step in steps] == list(range(63))
    assert all(float(step.level.sigma) == 0 for step in steps[2:])
    torch.testing.assert_close(steps[-1].x, oracle.means.expand(8, 1), rtol=0, atol=1e-3)


def test_extra_updates_move_samples_between_the_modes_to_one_of_them() -> None:
    oracle = GaussianMixture(double([0.5, 0.5]), double([[-1.0], [1.0]]), double([0.1, 0.1]))
    path = levels_at(Flow(), [0.3, 0.2])
    start = double([[-1.3], [-0.6], [-0.2], [0.1], [0.4], [1.2]])
    ends = sample(Extra(DDIM(), 200)(oracle, start * 0.7, path, None))
    torch.testing.assert_close(ends, start.sign(), rtol=0, atol=1e-3)
    density = [float(oracle.log_density(step, Flow()(double(0.2))).min()) for step in (start * 0.8, ends * 0.8)]
    assert density[1] > density[0]


def test_extra_updates_do_not_know_their_batch() -> None:
    of, fields = model(), {"extra": 3, "steps": 3, "sampler": "ddpm", "guidance": 2.0}
    whole = of.sample(count=20, **fields).x0
    assert torch.equal(of.sample(count=20, batch=7, **fields).x0, whole)
    assert torch.equal(of.sample(count=3, **fields).x0, whole[:3])
