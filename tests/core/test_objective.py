"""Objectives: a weight names one loss whatever the network predicts, and how times are drawn does not bias it."""

import math
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.denoiser import Prediction, clean, target
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.objective import Draw, Importance, LogNormal, Memory, Objective, Uniform, Weighting, draw, losses
from becalm.objective.draw import BINS
from becalm.objective.weighting import P2, Edm, MinSnr, Simple, Snr
from becalm.prediction import gain
from becalm.schedule import (
    CappedCosine,
    Cosine,
    Flow,
    Karras,
    Linear,
    NoiseSchedule,
    VarianceExploding,
    VariancePreserving,
)
from becalm.train.step import _remember

PREDICTIONS: tuple[Prediction, ...] = get_args(Prediction)
SCHEDULES = [Cosine(), Flow(), Linear(), Karras(), VarianceExploding(), VariancePreserving()]
TIMES = torch.tensor([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99], dtype=torch.float64)


WEIGHTINGS: list[Weighting] = [Snr(), MinSnr(), P2(), Edm()]


def on_x0(weighting: Weighting, level: NoiseLevel) -> Tensor:
    """Each weighting as its paper has it, as a weight of the squared error of x0."""
    snr = (level.alpha / level.sigma) ** 2
    return {
        "snr": snr,
        "min_snr": snr.clamp(max=5.0),
        "p2": snr / (1 + snr),
        "edm": (1 / snr + 1) / (1 / snr),  # (sigma^2 + s^2) / (sigma s)^2 with s = 1 and sigma the ratio
    }[weighting.name]


@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda weighting: weighting.name)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_a_weight_is_the_papers_whatever_the_prediction(
    schedule: NoiseSchedule, weighting: Weighting, kind: Prediction
) -> None:
    level = schedule(TIMES)
    torch.testing.assert_close(weighting.weight(level, kind), on_x0(weighting, level), rtol=1e-7, atol=0)


@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_the_simple_weight_is_the_error_of_the_output(schedule: NoiseSchedule, kind: Prediction) -> None:
    level = schedule(TIMES)
    generator = torch.Generator().manual_seed(0)
    x0, eps, wrong = torch.randn(3, len(TIMES), generator=generator, dtype=torch.float64)
    error = (clean(kind, level, level.mix(x0, eps), target(kind, level, x0, eps) + 0.1 * wrong) - x0) ** 2
    torch.testing.assert_close(error * Simple().weight(level, kind), (0.1 * wrong) ** 2, rtol=1e-7, atol=1e-12)


def test_the_snr_weight_is_the_simple_loss_of_eps() -> None:
    level = Linear()(TIMES)
    weight = Snr().weight(level, "eps") * gain("eps", level) ** 2
    torch.testing.assert_close(weight, torch.ones_like(weight), rtol=1e-12, atol=0)


@pytest.mark.parametrize("schedule", [Karras(), VarianceExploding()], ids=lambda schedule: schedule.kind)
def test_the_edm_weight_is_the_simple_loss_of_v(schedule: NoiseSchedule) -> None:
    # Karras et al. 2022, table 1: lambda(sigma) makes the loss of the preconditioned output 1 everywhere.
    level = schedule(TIMES)
    weight = Edm().weight(level, "v") * gain("v", level) ** 2
    torch.testing.assert_close(weight, torch.ones_like(weight), rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", ["v", "flow"])
@pytest.mark.parametrize("weighting", [Simple(), *WEIGHTINGS], ids=lambda weighting: weighting.name)
def test_weights_are_finite_at_every_level_that_is_trained_on(weighting: Weighting, kind: Prediction) -> None:
    level = Cosine()(torch.tensor([1e-6, 0.5, 1 - 1e-9, 1.0], dtype=torch.float64))
    assert bool(torch.isfinite(weighting.weight(level, kind)).all())


@pytest.mark.parametrize("kind", ["v", "flow", "x0"])
@pytest.mark.parametrize("schedule", [Cosine(), Flow(), Linear()], ids=lambda schedule: schedule.kind)
def test_the_loss_keeps_its_digits_near_clean(schedule: NoiseSchedule, kind: Prediction) -> None:
    # There an error of x0 is a small difference of large numbers.
    data = batch(1000)
    for t in (1e-6, 1e-5, 1e-3):
        level = schedule(torch.full((1000,), t, dtype=torch.float64)).spread(data.x0)
        x = level.mix(data.x0, torch.randn(1000, 2, generator=torch.Generator().manual_seed(1)))
        drawn = Draw(torch.full((1000,), t), (level,), x, torch.ones(1000))
        off = Perfect(kind, data.x0)
        off.register_forward_hook(lambda module, args, output: output + 0.5)
        _, bare = losses(Objective(prediction=kind), off, data, drawn, data.cond)
        assert float(bare.mean()) == pytest.approx(0.25, rel=0.2)


@pytest.mark.parametrize("kind", ["eps", "score"])
def test_what_cannot_tell_x0_from_pure_noise_is_refused(kind: Prediction) -> None:
    with pytest.raises(ValueError, match=f"prediction {kind} cannot recover x0 at t = 1"):
        Objective(prediction=kind).check(Cosine())
    Objective(prediction=kind).check(Linear())


@pytest.mark.parametrize("kind", ["eps", "score"])
def test_noise_is_predicted_on_the_capped_cosine(kind: Prediction) -> None:
    objective = Objective(prediction=kind)
    assert objective.fit(Cosine(offset=0.1)) == CappedCosine(offset=0.1)
    assert objective.fit(Flow()) == Flow() and Objective(prediction="v").fit(Cosine()) == Cosine()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.05, 1.0))
def test_importance_sampling_is_unbiased(seed: int, floor: float) -> None:
    # E[w(t) f(t)] over its own density is the plain mean of f, and so for every history; here by a fine even grid of
    # draws.
    history = torch.rand(BINS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 1e-3
    unit = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    memory, times = Memory(Cosine(), history), Importance(floor=floor)
    t = times.draw(unit, memory)
    weight = times.weight(t, memory)
    assert 0 <= float(t.min()) and float(t.max()) <= 1
    torch.testing.assert_close(weight.mean(), torch.tensor(1.0).double(), rtol=1e-3, atol=0)
    torch.testing.assert_close((weight * t**2).mean(), torch.tensor(1 / 3).double(), rtol=2e-3, atol=0)


def test_importance_sampling_draws_in_proportion_to_the_loss() -> None:
    history = torch.full((BINS,), 1.0, dtype=torch.float64)
    history[3] = 81.0
    unit = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    t = Importance(floor=1e-6).draw(unit, Memory(Cosine(), history))
    share = ((t * BINS).long() == 3).double().mean()
    torch.testing.assert_close(float(share), 9 / (9 + BINS - 1), rtol=1e-3, atol=0)


def test_importance_sampling_is_uniform_until_every_bin_was_seen() -> None:
    history = torch.ones(BINS, dtype=torch.float64)
    history[5] = 0
    unit = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    memory = Memory(Cosine(), history)
    t = Importance().draw(unit, memory)
    weight = Importance().weight(t, memory)
    torch.testing.assert_close(t, unit, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(weight, torch.ones_like(unit), rtol=1e-9, atol=0)


@pytest.mark.parametrize("schedule", [Cosine(), Flow(), Karras()], ids=lambda schedule: schedule.kind)
def test_log_normal_times_have_the_quantiles_of_the_normal(schedule: NoiseSchedule) -> None:
    unit = torch.tensor([0.0013499, 0.1586553, 0.5, 0.8413447, 0.9986501], dtype=torch.float64)
    memory = Memory(schedule, torch.zeros(BINS))
    t = LogNormal(mean=-1.2, std=1.2).draw(unit, memory)
    weight = LogNormal().weight(t, memory)
    expected = -1.2 + 1.2 * torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(schedule(t).ratio.log(), expected, rtol=1e-4, atol=1e-4)
    assert bool((weight == 1).all())


def batch(size: int) -> Batch[Tensor]:
    return Batch.dense(
        torch.randn(size, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(size, dtype=torch.long)
    )


def test_the_times_of_a_batch_cover_the_interval_evenly_and_each_is_uniform() -> None:
    drawn = [draw(Objective(), Cosine(), batch(8), torch.zeros(BINS), seed=0, step=step).t for step in range(400)]
    for t in drawn[:20]:
        assert torch.equal((t * 8).long().sort().values, torch.arange(8))
    first = torch.stack(drawn)[:, 0]
    assert abs(float(first.mean()) - 0.5) < 4 / math.sqrt(12 * 400)


def test_a_draw_is_a_function_of_seed_and_step() -> None:
    def x(seed: int, step: int) -> Tensor:
        return draw(Objective(), Cosine(), batch(4), torch.zeros(BINS), seed=seed, step=step).x

    assert torch.equal(x(1, 2), x(1, 2))
    assert not torch.equal(x(1, 2), x(1, 3)) and not torch.equal(x(1, 2), x(2, 2))


class Perfect(nn.Module):
    """Knows the target because the data are one point."""

    def __init__(self, kind: Prediction, x0: Tensor) -> None:
        super().__init__()
        self.kind, self.x0 = kind, x0

    def forward(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        x = x * level.total_std
        return target(self.kind, level, self.x0.double(), level.eps(x.double(), self.x0.double()))


@pytest.mark.parametrize("schedule", [Linear(), Flow(), Karras()], ids=lambda schedule: schedule.kind)
@pytest.mark.parametrize("kind", ["x0", "eps", "v", "flow", "score"])
def test_a_perfect_network_has_no_loss_and_a_wrong_one_its_error(kind: Prediction, schedule: NoiseSchedule) -> None:
    data = batch(6)
    objective = Objective(prediction=kind)
    drawn = draw(objective, schedule, data, torch.zeros(BINS), seed=0, step=0)
    weighted, bare = losses(objective, Perfect(kind, data.x0), data, drawn, data.cond)
    assert weighted.shape == (6,) and float(weighted.max()) < 1e-6
    off = Perfect(kind, data.x0)
    off.register_forward_hook(lambda module, args, output: output + 0.5)
    _, bare = losses(objective, off, data, drawn, data.cond)
    torch.testing.assert_close(bare, torch.full((6,), 0.25), rtol=1e-3, atol=1e-4)


def test_a_ragged_sample_counts_once_however_many_rows_it_has() -> None:
    owner = torch.tensor([0, 0, 0, 1])
    ragged = Batch(torch.zeros(4, 1), None, owner, 2)
    assert ragged.mean(torch.tensor([[1.0], [2.0], [3.0], [10.0]])).tolist() == [2.0, 10.0]
    assert ragged.rows(torch.tensor([5.0, 7.0])).tolist() == [5.0, 5.0, 5.0, 7.0]
    drawn = draw(Objective(), Cosine(), ragged, torch.zeros(BINS), seed=0, step=0)
    assert drawn.t.shape == (2,) and drawn.level.alpha.shape == (4, 1)
    assert torch.equal(drawn.level.alpha[0], drawn.level.alpha[2])


@pytest.mark.parametrize(
    "wrong",
    [
        {"prediction": "noise"},
        {"gamma": 0, "weighting": "min_snr"},
        {"drop": 2},
        {"times": {"kind": "never"}},
        {"wieghting": 1},
    ],
)
def test_a_wrong_objective_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        Objective(**wrong)


def test_an_objective_survives_its_own_dump() -> None:
    for times in (Uniform(), LogNormal(), Importance()):
        objective = Objective(times=times, weighting="min_snr")
        assert Objective.model_validate(objective.model_dump(mode="json")) == objective


class Leaning(nn.Module):
    """Outputs tanh of half its logits, whatever it sees."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        return torch.tanh(self.logits / 2)


def test_the_logistic_error_is_the_cross_entropy_of_the_bits_and_so_is_its_slope() -> None:
    bits = (torch.arange(24).reshape(4, 6) % 3 == 0).float()
    data = Batch.dense(2 * bits - 1, None)
    objective = Objective(prediction="x0", error="logistic")
    network = Leaning(torch.linspace(-4, 4, 24).reshape(4, 6))
    drawn = draw(objective, Cosine(), data, torch.zeros(BINS), seed=0, step=0)
    _, bare = losses(objective, network, data, drawn, None)
    logits = network.logits.detach().clone().requires_grad_()
    known = nn.functional.binary_cross_entropy_with_logits(logits, bits, reduction="none").mean(1)
    torch.testing.assert_close(bare, known)
    slope = torch.autograd.grad(bare.sum(), network.logits)[0]
    torch.testing.assert_close(slope, torch.autograd.grad(known.sum(), logits)[0], rtol=1e-4, atol=1e-6)


def test_the_logistic_error_is_for_x0_alone() -> None:
    with pytest.raises(ValueError, match="prediction must be 'x0', got 'v'"):
        Objective(prediction="v", error="logistic")


@pytest.mark.parametrize("kind", ["x0", "v", "flow"])
def test_a_penalty_of_the_estimate_is_added_by_its_weight(kind: Prediction) -> None:
    data = batch(6)
    drawn = draw(Objective(prediction=kind), Flow(), data, torch.zeros(BINS), seed=0, step=0)

    def penalty(x0: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        return x0.flatten(1).sum(1)

    objective = Objective(prediction=kind, penalty=2.0)
    _, with_it = losses(objective, Perfect(kind, data.x0), data, drawn, data.cond, penalty)
    torch.testing.assert_close(with_it, 2 * data.x0.flatten(1).sum(1), rtol=1e-3, atol=1e-4)
    _, without = losses(Objective(prediction=kind), Perfect(kind, data.x0), data, drawn, data.cond, penalty)
    assert float(without.abs().max()) < 1e-6


def test_the_history_of_losses_is_their_running_mean_one_after_another() -> None:
    generator = torch.Generator().manual_seed(0)
    history, plain = torch.zeros(4, dtype=torch.float64), [0.0] * 4
    for _ in range(3):
        t, loss = (torch.rand(9, generator=generator, dtype=torch.float64) for _ in range(2))
        t = t * 0.7  # The last bin stays empty.
        _remember(history, t, loss)
        for place, value in zip((t * 4).long().tolist(), loss.square().tolist(), strict=True):
            plain[place] = value if plain[place] == 0 else 0.9 * plain[place] + 0.1 * value
    torch.testing.assert_close(history, torch.tensor(plain, dtype=torch.float64), rtol=1e-12, atol=0)
