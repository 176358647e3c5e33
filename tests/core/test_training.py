"""Training: what it learns, and that a training killed and resumed ends in the same bits as one left alone."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy import Points
from trainings import CPU, RECIPES, finished, fresh, same

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.model import build
from becalm.objective import Importance, Objective
from becalm.objective.draw import BINS
from becalm.schedule import Cosine, Flow
from becalm.train import Training, TrainState, begin, train
from becalm.train.arithmetic import seeded
from becalm.train.resume import export, resume, resume_path, save
from becalm.train.settings import rate_at

HERE = Path(__file__).parent


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_training_resumed_from_its_file_ends_in_the_same_bits(
    recipe: str, installed_toy: Path, tmp_path: Path
) -> None:
    domain, objective, training = RECIPES[recipe]
    state = fresh(domain, objective, **training)
    training = {**training, "precision": state.training.precision}  # A trial of speed may end either way.
    whole = finished(fresh(domain, objective, **training))
    path = tmp_path / "points.safetensors"
    for step in train(state):
        torch.rand(step.step)  # What others draw must not matter.
        if step.step == 5:
            break
    save(state, path)
    again = resume(path, CPU)
    assert same(state, again)
    assert same(finished(again), whole)


def test_a_training_is_resumed_whatever_the_default_dtype_is(installed_toy: Path, tmp_path: Path) -> None:
    domain, objective, training = RECIPES["plain"]
    state, path = fresh(domain, objective, **training), tmp_path / "points.safetensors"
    next(iter(train(state)))
    save(state, path)
    torch.set_default_dtype(torch.float64)
    try:
        assert same(state, resume(path, CPU))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("recipe", ["plain", "accumulating, with dropout"])
def test_a_training_stopped_and_continued_in_memory_ends_in_the_same_bits(recipe: str) -> None:
    domain, objective, training = RECIPES[recipe]
    state = fresh(domain, objective, **training)
    for stop in (1, 4, 9):
        for step in train(state):
            if step.step == stop:
                break
    assert same(finished(state), finished(fresh(domain, objective, **training)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
@pytest.mark.parametrize(
    ("training", "objective", "domain"),
    [
        ({"steps": 20}, {}, {}),
        ({"steps": 16, "accumulate": 2, "optimizer": "muon"}, {"times": {"kind": "importance"}}, {"dropout": 0.2}),
    ],
    ids=["plain", "everything"],
)
def test_a_training_killed_at_random_moments_ends_in_the_same_bits(
    training: dict[str, Any], objective: dict[str, Any], domain: dict[str, Any], installed_toy: Path, tmp_path: Path
) -> None:
    settings = [json.dumps(part) for part in ({"precision": "fp32", "warmup": 5, **training}, objective, domain)]
    found = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), str(tmp_path), "8", *settings],
        env={**os.environ, "PYTHONPATH": f"{installed_toy}{os.pathsep}{HERE}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    assert result["exit"] == 0
    assert result["died"] >= 4
    assert result["killed"] == result["alone"]


def test_seeds_differ_and_one_seed_is_one_training() -> None:
    assert same(finished(fresh(seed=3)), finished(fresh(seed=3)))
    assert not same(finished(fresh(seed=3)), finished(fresh(seed=4)))


def test_training_leaves_torchs_own_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    finished(fresh({"dropout": 0.5}))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_torchs_own_numbers_in_a_step_are_those_of_its_number_as_a_seed() -> None:
    with seeded(3, 5, CPU):
        found = torch.rand(4)
    assert torch.equal(found, torch.rand(4, generator=torch.Generator().manual_seed(3_000_014)))


def test_dropout_of_any_kind_is_a_function_of_the_step() -> None:
    class Wild(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, x: Tensor, level: Any, cond: Any) -> Tensor:
            out: Tensor = self.linear(nn.functional.dropout(x, 0.5))
            return out

    class WildPoints(Points):
        def network(self) -> nn.Module:
            return Wild()

    def trained(disturb: bool) -> TrainState[Tensor]:
        state = begin(WildPoints(), Cosine(), Objective(), Training(steps=6, precision="fp32"), CPU)
        for _ in train(state):
            torch.rand(7 if disturb else 1)
        return state

    assert same(trained(False), trained(True))


def test_accumulating_batches_is_the_mean_of_their_gradients() -> None:
    # With the importance weights off a step over 2 x 16 points and one over two such batches differ only in their
    # draws' numbers; here the loss reported is the mean over the parts, and the data move on by two batches a step.
    state = fresh(accumulate=2, steps=1, rate=1e-30)
    (step,) = train(state)
    singles = [s.loss for s in train(fresh(steps=2, rate=1e-30))]
    torch.testing.assert_close(step.loss, torch.stack(singles).mean(), rtol=1e-5, atol=0)


def test_the_average_follows_its_formula() -> None:
    state = fresh(ema=0.5, steps=8)
    name, weight = next(iter(state.network.named_parameters()))
    average = weight.detach().clone()
    for step in train(state):
        memory = min(0.5, step.step / (9 + step.step))
        average = memory * average + (1 - memory) * weight.detach()
        torch.testing.assert_close(state.average[name], average, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("decay", ["cosine", "cooldown", "constant"])
def test_the_rate_warms_up_to_its_height_and_decays_to_its_end(decay: Any) -> None:
    training = Training(steps=100, warmup=10, rate=2.0, decay=decay, cooldown=0.5)
    rates = [rate_at(training, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and rates[9] == pytest.approx(2.0) and rates[10] == pytest.approx(2.0)
    end = {"cosine": 0.0, "cooldown": 0.0, "constant": 2.0}[decay]
    assert rate_at(training, 100) == pytest.approx(end, abs=1e-12)
    if decay == "cosine":
        assert rates[55] == pytest.approx(1.0)
    if decay == "cooldown":
        assert rates[50] == pytest.approx(2.0) and rates[75] == pytest.approx(1.0)
    assert all(later <= earlier for earlier, later in zip(rates[10:], rates[11:], strict=False))


def test_the_rate_of_a_step_is_the_one_reported() -> None:
    state = fresh(steps=6, warmup=2)
    for step in train(state):
        assert step.rate == rate_at(state.training, step.step - 1)
        assert all(group["lr"] == step.rate for optimizer in state.optimizers for group in optimizer.param_groups)


def test_gradients_are_clipped_and_the_norm_before_is_reported() -> None:
    state = fresh(steps=4, clip=1e-3)
    seen: list[Tensor] = []

    def look(*_: Any) -> None:
        seen.append(
            torch.stack([weight.grad.norm() for weight in state.network.parameters() if weight.grad is not None]).norm()
        )

    state.optimizers[0].register_step_pre_hook(look)
    reported = [step.norm for step in train(state)]
    for norm, before in zip(seen, reported, strict=True):
        torch.testing.assert_close(float(norm), 1e-3, rtol=1e-2, atol=0)
        assert float(before) > 1e-3


def test_importance_remembers_losses() -> None:
    state = finished(fresh(objective={"times": {"kind": "importance"}}, steps=5))
    assert isinstance(state.objective.levels, Importance)
    assert state.history.shape == (BINS,) and bool((state.history > 0).all())


def test_a_loss_that_is_not_finite_ends_the_training_in_a_sentence() -> None:
    with pytest.raises(UserError, match="the loss is no longer finite at step 1:"):
        finished(fresh({"broken": True}))


def test_an_objective_that_cannot_be_trained_is_refused_before_the_first_step() -> None:
    # A flow is pure noise at t = 1; the cosine has a schedule with capped betas to stand in for it.
    with pytest.raises(ValueError, match="pure noise"):
        begin(Points(), Flow(), Objective(prediction="eps"), Training(steps=1), CPU)
    assert fresh(objective={"prediction": "eps"}).schedule.name == "squaredcos_cap_v2"


def test_a_training_learns_its_data(installed_toy: Path, tmp_path: Path) -> None:
    state = finished(fresh({"batch": 128, "width": 64}, steps=700, rate=3e-3, warmup=20, ema=0.99))
    path = tmp_path / "points.safetensors"
    save(state, path)
    model = build(Checkpoint.read(path), CPU)
    for label in (0, 1):
        points = model.sample(label=label, count=2000, steps=20, batch=2000).data
        torch.testing.assert_close(points.mean(0), Points().means()[label], rtol=0, atol=0.1)
        torch.testing.assert_close(points.std(0), torch.full((2,), 0.3), rtol=0.2, atol=0)
    free = model.sample(count=2000, steps=20, batch=2000, guidance=0).data
    torch.testing.assert_close(free.mean(0), Points().means().mean(0), rtol=0, atol=0.2)
    assert math.isclose(float((free[:, 0] > 1).double().mean()), 0.5, abs_tol=0.1)


def test_what_is_exported_is_the_average(tmp_path: Path) -> None:
    state = finished(fresh())
    exported = export(state).tensors
    for name, value in state.average.items():
        assert torch.equal(exported[f"network.{name}"], value)
    half = export(state, half=True).tensors
    network = [value for name, value in half.items() if name.startswith("network.") and value.is_floating_point()]
    assert network and all(value.dtype == torch.float16 for value in network)
    assert half["codec.scale"].dtype == torch.float32  # A normaliser's digits are not to be lost.
    assert {"codec.shift", "codec.scale"} <= set(exported)


def test_there_is_nothing_to_resume_without_a_resume_state(installed_toy: Path, tmp_path: Path) -> None:
    path = tmp_path / "points.safetensors"
    with pytest.raises(UserError, match="there is nothing to resume"):
        resume(path, CPU)
    save(fresh(), path)
    resume_path(path).write_bytes(resume_path(path).read_bytes()[:-1])
    with pytest.raises(UserError, match="damaged or cut short"):
        resume(path, CPU)
