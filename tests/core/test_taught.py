"""Trainings that learn from a teacher."""

from typing import Any

import pytest
import torch
from toy import Points
from trainings import CPU, finished, same

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.model import load
from becalm.objective import (
    ConsistencyDistillation,
    Denoising,
    DistributionMatching,
    Objective,
    Progressive,
    ScoreIdentity,
)
from becalm.schedule import Cosine
from becalm.train import Training, TrainState, begin, loop, train
from becalm.train.resume import export, resume, save

TAUGHT: list[Objective] = [
    Progressive(calls=2, drop=0.1),
    ConsistencyDistillation(drop=0.1),
    DistributionMatching(calls=2, drop=0.1),
    DistributionMatching(calls=2, turns=3, drop=0.1),
    ScoreIdentity(calls=2, drop=0.1),
]
SETTINGS = Training(steps=6, precision="fp32", warmup=0)


@pytest.fixture(scope="module")
def origin() -> Checkpoint:
    settings = Training(steps=5, precision="fp32", warmup=0)
    return export(finished(begin(Points(width=8), Cosine(), Denoising(drop=0.1), settings, CPU)))


def begun(objective: Objective, origin: Checkpoint | None) -> TrainState[Any]:
    return begin(Points(width=8), Cosine(), objective, SETTINGS, CPU, origin=origin)


@pytest.mark.parametrize("objective", TAUGHT, ids=lambda objective: objective.name)
def test_a_training_with_a_teacher_is_resumed_to_the_bit(
    objective: Objective, origin: Checkpoint, installed_toy: Any, tmp_path: Any
) -> None:
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


def moved(objective: Objective, origin: Checkpoint) -> list[bool]:
    """Whether the student moved, at each step."""
    state, seen = begun(objective, origin), []
    before = [weight.detach().clone() for weight in state.weights().values()]
    for _ in train(state):
        now = [weight.detach().clone() for weight in state.weights().values()]
        seen.append(any(not torch.equal(*pair) for pair in zip(before, now, strict=True)))
        before = now
    return seen


@pytest.mark.parametrize("kind", [DistributionMatching, ScoreIdentity])
def test_a_student_of_few_turns_waits_for_its_critic(
    kind: type[DistributionMatching], origin: Checkpoint, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without momentum and weight decay, which would move it in between.
    objective, settings = (
        kind(turns=3, drop=0.1),
        Training(steps=9, precision="fp32", warmup=0, beta1=0, weight_decay=0),
    )
    monkeypatch.setattr(f"{__name__}.SETTINGS", settings)
    # In the first step critic and teacher are one, so that nothing pulls.
    assert moved(objective, origin)[1:] == [False, False, *[True, False, False] * 2]
    plain = finished(begun(objective, origin))
    record, seen = stand_in
    monkeypatch.setattr(loop, "recording", lambda state: record)
    recorded = finished(begun(objective, origin))
    assert seen == ["recorded", *["replayed"] * 6]
    for name, weight in plain.averaged().items():
        torch.testing.assert_close(recorded.averaged()[name], weight, rtol=2e-4, atol=2e-5, msg=name)


def test_a_student_may_begin_elsewhere_than_its_teacher(origin: Checkpoint) -> None:
    other = export(finished(begin(Points(width=8), Cosine(), Denoising(drop=0.1), SETTINGS, CPU)))
    state = begin(
        Points(width=8), Cosine(), DistributionMatching(drop=0.1), SETTINGS, CPU, origin=origin, student=other
    )
    assert state.teacher is not None and state.critic is not None
    for name, weight in state.network.state_dict().items():
        assert torch.equal(weight, other.tensors[f"network.{name}"]) and torch.equal(weight, state.averaged()[name])
    for network in (state.teacher, state.critic):
        for name, weight in network.state_dict().items():
            assert torch.equal(weight, origin.tensors[f"network.{name}"])
    with pytest.raises(UserError, match="a student needs a teacher, and objective denoising has none"):
        begin(Points(width=8), Cosine(), Denoising(drop=0.1), SETTINGS, CPU, origin=origin, student=other)


@pytest.mark.parametrize("objective", TAUGHT, ids=lambda objective: objective.name)
def test_a_teacher_must_be_there_and_predict_the_same(objective: Objective, origin: Checkpoint) -> None:
    with pytest.raises(UserError, match="begin from a trained checkpoint"):
        begun(objective, None)
    with pytest.raises(UserError, match="prediction is v"):
        begun(objective.model_copy(update={"prediction": "flow"}), origin)
