"""A training that begins with a checkpoint's weights, and one that leaves some weights as they are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from toy import Points

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.train import Training, TrainState, begin, train
from becalm.train.resume import export, resume, save

CPU = torch.device("cpu")


def begun(origin: Checkpoint | None = None, seed: int = 0, width: int = 8, **training: Any) -> TrainState[Any]:
    settings = Training(**{"steps": 6, "precision": "fp32", "warmup": 0, "seed": seed, **training})
    return begin(Points(width=width), Cosine(), Denoising(drop=0.1), settings, CPU, origin=origin)


@pytest.fixture
def origin() -> Checkpoint:
    state = begun()
    list(train(state))
    return export(state)


def test_a_training_begins_with_the_weights_and_the_codec_of_its_origin(origin: Checkpoint) -> None:
    state, fresh = begun(origin, seed=5), begun(seed=5)
    for name, weight in state.network.state_dict().items():
        assert torch.equal(weight, origin.tensors[f"network.{name}"])
    assert any(not torch.equal(weight, fresh.network.state_dict()[name]) for name, weight in state.average.items())
    for name, value in state.codec.state_dict().items():
        assert torch.equal(value, origin.tensors[f"codec.{name}"])


def test_frozen_weights_end_as_they_began_and_the_others_do_not(
    origin: Checkpoint, installed_toy: Path, tmp_path: Path
) -> None:
    state = begun(origin, freeze=("label.*", "net.0.*"))
    list(train(state))
    frozen = {name for name in origin.tensors if name.startswith(("network.label.", "network.net.0."))}
    same = {name for name, value in export(state).tensors.items() if torch.equal(value, origin.tensors[name])}
    assert {name for name in same if "frequencies" not in name and not name.startswith("codec.")} == frozen
    # A resumed one keeps them, too.
    half = begun(origin, freeze=("label.*", "net.0.*"))
    steps = train(half)
    for _ in range(3):
        next(steps)
    save(half, tmp_path / "half.safetensors")
    rest = resume(tmp_path / "half.safetensors", CPU)
    list(train(rest))
    assert all(torch.equal(value, export(state).tensors[name]) for name, value in export(rest).tensors.items())


@pytest.mark.parametrize(
    ("freeze", "says"),
    [
        (("labell.*",), r"^freeze must name weights of the network, such as 'label\.weight', got 'labell\.\*'$"),
        (("*",), r"^freeze leaves nothing to train: \*$"),
    ],
)
def test_a_freeze_of_nothing_or_of_everything_is_refused(freeze: tuple[str, ...], says: str) -> None:
    with pytest.raises(UserError, match=says):
        begun(freeze=freeze)


def test_an_origin_of_another_size_is_refused(origin: Checkpoint) -> None:
    with pytest.raises(
        UserError, match=r"cannot begin from this checkpoint: .+ is \(.+\) there and \(.+\) in the network"
    ):
        begun(origin, width=9)
