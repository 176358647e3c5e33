"""What a resume state is held to before any of its tensors is used, and a save before it takes the last one's place."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from trainings import CPU, finished, fresh, same

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.train import train
from becalm.train.checks.finite import DivergedError
from becalm.train.resume import complete, resume, resume_path, save

Tensors = dict[str, Tensor]


@pytest.fixture
def path(installed_toy: Path, tmp_path: Path) -> Path:
    """A training with both kinds of optimiser."""
    path = tmp_path / "points.safetensors"
    save(finished(fresh(optimizer="muon", steps=4)), path)
    return path


def changed(path: Path, tensors: Callable[[Tensors], object], **config: Any) -> None:
    stored = Checkpoint.read(resume_path(path))
    held = {name: value.clone() for name, value in stored.tensors.items()}
    tensors(held)
    Checkpoint(held, {**stored.config, **config}).write(resume_path(path))


def nothing(held: Tensors) -> None:
    """The tensors as they are."""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda held: held.update({"optimizer.0.0.exp_avg": torch.zeros(1)}),
            r"0.0.exp_avg' must be float32 \(",
        ),
        (
            lambda held: held.update({"optimizer.1.0.momentum": torch.zeros(1)}),
            "1.0.momentum' must be float32",
        ),
        (lambda held: held.pop("optimizer.0.0.exp_avg_sq"), "tensor 'optimizer.0.0.exp_avg_sq' is missing"),
        (
            lambda held: [held.pop(name) for name in list(held) if name.startswith("optimizer.0.1.")],
            r"'optimizer.0.1.\*', the moments of [a-z0-9.]+, are missing",
        ),
        (
            lambda held: held.update({name: torch.ones(2) for name in ("optimizer.0.99.step", "optimizer.7.0.step")}),
            "are of no weight",
        ),
        (lambda held: held.update({"optimizer.0.0.step": torch.tensor(-5.0)}), "must be a step from 1 to 4, got -5"),
        (lambda held: held.update({"optimizer.0.0.step": torch.tensor(9.0)}), "must be a step from 1 to 4, got 9"),
        (lambda held: held.update({"optimizer.0.0.best": torch.zeros(1)}), "is none of this training's"),
        (lambda held: held["optimizer.0.0.exp_avg_sq"].fill_(-1), "must be of numbers of at least 0"),
        (lambda held: held["history"].fill_(-1), "'history' must be of numbers of at least 0"),
        (lambda held: held.update({"history": torch.zeros(3)}), "'history' must be float64"),
        (lambda held: held.pop("history"), "tensor 'history' is missing"),
        (lambda held: held["average.net.0.weight"].fill_(torch.nan), "'average.net.0.weight' must be finite"),
        (lambda held: held["optimizer.0.0.exp_avg"].fill_(torch.inf), "'optimizer.0.0.exp_avg' must be finite"),
        (lambda held: held.update({"average.new": torch.zeros(1)}), "'average.new' is none of this training's"),
        (
            lambda held: held.update({"network.net.0.weight": held["network.net.0.weight"].half()}),
            "'network.net.0.weight' must be float32 .*, got float16",
        ),
        (lambda held: held.update({"codec.shift": torch.zeros(3)}), "'codec.shift' must be"),
    ],
)
def test_tensors_that_are_not_the_trainings_are_refused_by_name(
    change: Callable[[Tensors], object], says: str, path: Path
) -> None:
    changed(path, change)
    with pytest.raises(
        UserError, match=rf"^[^\n]*{resume_path(path).name} is no state of a training: [^\n]*{says}[^\n]*$"
    ):
        resume(path, CPU)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"step": -5}, "step must be a whole number of at least 0, got -5"),
        ({"step": 4.0}, "step must be a whole number"),
        ({"step": True}, "step must be a whole number"),
        ({"step": "x"}, "step must be a whole number of at least 0, got 'x'"),
        ({"step": 5}, "step must be at most the 4 steps of the training, got 5"),
        ({"training": []}, "training must be a table"),
        ({"training": {"rate": -1}}, "rate must be"),
        ({"seconds": float("nan")}, "seconds must be a number"),
        ({"data": 3}, "data must be a table"),
        ({"bits": "x"}, "bits must be a table"),
    ],
)
def test_a_header_that_no_training_has_is_refused(config: dict[str, Any], says: str, path: Path) -> None:
    changed(path, nothing, **config)
    with pytest.raises(UserError, match=rf"^[^\n]*resume.safetensors is no state of a training: [^\n]*{says}"):
        resume(path, CPU)


def test_a_weight_that_no_loss_depends_on_needs_no_moments(installed_toy: Path, tmp_path: Path) -> None:
    path = tmp_path / "points.safetensors"
    state = fresh(steps=4)
    for step in train(state):
        # As if nothing had ever been asked of it.
        weight = state.network.get_parameter("net.0.bias")
        if step.step == 2:
            state.optimizers[0].state.pop(weight)
            state.average["net.0.bias"].copy_(weight.detach())
            break
    save(state, path)
    resume(path, CPU)


@pytest.mark.parametrize("where", ["weights", "average", "moments"])
def test_what_is_not_finite_is_not_saved(where: str, path: Path) -> None:
    before = [place.read_bytes() for place in (path, resume_path(path))]
    state = finished(fresh(steps=4))
    name, weight = next(iter(state.network.named_parameters()))
    held = {
        "weights": weight.data,
        "average": state.average[name],
        "moments": state.optimizers[0].state[weight]["exp_avg"],
    }[where]
    held.view(-1)[0] = torch.nan
    with pytest.raises(DivergedError, match="the weights are no longer finite at step 4"):
        save(state, path)
    assert [place.read_bytes() for place in (path, resume_path(path))] == before


def test_equal_trainings_are_equal_bytes(installed_toy: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(finished(fresh(steps=3)), tmp_path / f"{name}.safetensors")
    for suffix in (".safetensors", ".resume.safetensors"):
        one, other = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
        assert one == other
    header = one[8 : 8 + int.from_bytes(one[:8], "little")]
    assert len(header) % 8 == 0, "tensors stay aligned"


def test_a_disk_that_fails_at_any_call_of_a_save_loses_nothing(
    installed_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "points.safetensors"
    early = fresh(steps=3)
    next(train(early))
    save(early, path)
    state = finished(fresh(steps=3))
    before = {place: place.read_bytes() for place in (path, resume_path(path))}
    calls = ("fsync", "replace", "open", "chmod", "unlink")
    failed = 0
    for at in range(1, 60):
        for place, content in before.items():
            place.write_bytes(content)
        with monkeypatch.context() as patch:
            counter = _Failing(at, errno.EIO)
            for name in calls:
                patch.setattr(os, name, counter.wrap(getattr(os, name)))
            try:
                save(state, path)
            except UserError as error:
                assert os.strerror(errno.EIO) in str(error)
            if counter.count < at:
                break
        failed += 1
        resumed = resume(path, CPU)
        complete(resumed, path)
        assert Checkpoint.read(path).config["step"] == resumed.step in (1, 3)
        assert same(finished(resumed), state)
    assert failed >= 8, "each of the calls has failed once"
    assert not list(tmp_path.glob(".*")), "no temporary file is left"


class _Failing:
    """Counts calls of the operating system, and has one of them fail."""

    def __init__(self, at: int, code: int) -> None:
        self.at, self.code, self.count = at, code, 0

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **kwargs)

        return called
