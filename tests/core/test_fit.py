"""A network and a tensor become a model: trained, sampled, saved, and loaded again with the network."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import becalm
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.process import Bits


class Net(nn.Module):
    """A perceptron of x, the level's angle and a condition of one number."""

    def __init__(self, size: int, conditional: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(size + 2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, size)
        )

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor | None) -> Tensor:
        angle = level.angle.to(x).reshape(-1, 1).expand(len(x), 1)
        told = torch.zeros(len(x), 1) if cond is None else cond[:, None].to(x)
        out: Tensor = self.layers(torch.cat([x, angle, told], 1))
        return out


def ring(count: int) -> Tensor:
    angle = 2 * torch.pi * torch.rand(count, generator=torch.Generator().manual_seed(0))
    return 10 + 3 * torch.stack([angle.cos(), angle.sin()], 1)


TRAINING: dict[str, Any] = {"steps": 600, "rate": 3e-3, "warmup": 20, "ema": 0.99}


@pytest.fixture(scope="module")
def trained() -> tuple[Net, becalm.Model[Any]]:
    torch.manual_seed(0)
    network = Net(2)
    return network, becalm.fit(network, ring(2000), training=TRAINING | {"steps": 1600}, device="cpu")


def test_five_lines_from_a_tensor_to_samples_like_it(trained: Any, tmp_path: Path) -> None:
    _, model = trained
    samples = model.sample(count=400, seed=1).data
    radius = (samples - 10).norm(dim=1)
    assert float(radius.mean()) == pytest.approx(3, abs=0.3) and float(radius.std()) < 0.6
    model.save(tmp_path / "ring.safetensors")
    again = becalm.load(tmp_path / "ring.safetensors", "cpu", network=Net(2))
    assert torch.equal(again.sample(count=9, seed=1).data, model.sample(count=9, seed=1).data)


def test_without_its_network_the_file_says_what_to_give(trained: Any, tmp_path: Path) -> None:
    trained[1].save(tmp_path / "ring.safetensors")
    says = r"ring\.safetensors: this model has a network of its own: give it to becalm.load by network=$"
    with pytest.raises(UserError, match=says):
        becalm.load(tmp_path / "ring.safetensors", "cpu")
    with pytest.raises(UserError, match="do not fit"):
        becalm.load(tmp_path / "ring.safetensors", "cpu", network=Net(3))


def test_conditions_lead_and_their_null_condition_serves_guidance() -> None:
    torch.manual_seed(0)
    side = (torch.arange(2000) % 2).float()
    data = (2 * side - 1)[:, None] * 5 + torch.randn(2000, 2)
    objective = {"drop": 0.2}
    model = becalm.fit(Net(2), data, cond=side, null=-1.0, objective=objective, training=TRAINING, device="cpu")
    asked = torch.tensor([0.0, 1.0, 1.0, 0.0])
    for fields in ({}, {"guidance": 2.0}):
        made = model.sample(cond=asked, seed=3, **fields).data
        assert (made.mean(1) > 0).tolist() == (asked > 0).tolist()
    with pytest.raises(UserError, match="give conditions by cond="):
        model.sample(count=2)


def test_bits_are_learnt_and_sampled_as_bits() -> None:
    torch.manual_seed(0)
    first = torch.where(torch.rand(4000) < 0.5, 1.0, -1.0)
    second = torch.where(torch.rand(4000) < 0.9, first, -first)
    objective = {"kind": "cross_entropy", "drop": 0.0}

    class Tanh(Net):
        def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor | None) -> Tensor:
            return torch.tanh(super().forward(x, level, cond))

    data = torch.stack([first, second], 1)
    model = becalm.fit(Tanh(2), data, process=Bits(), objective=objective, training=TRAINING, device="cpu")
    made = model.sample(count=2000, sampler="ddpm", steps=50).data
    assert set(made.unique().tolist()) == {-1.0, 1.0}
    assert float((made[:, 0] == made[:, 1]).float().mean()) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"data": torch.zeros(3)}, r"data must be rows of numbers, \(N, ...\), got shape \(3,\)"),
        ({"data": torch.full((3, 2), torch.nan)}, "data must be finite, got NaN or infinity"),
        ({"cond": torch.zeros(4)}, "there must be a condition for each of the 3 rows, got 4"),
        ({"objective": {"drop": 0.1}}, "tensors has no null condition, .+: set drop to 0"),
        ({"training": {"stepz": 1}}, "unknown key 'training.stepz'"),
        ({"schedule": "cosin"}, "schedule must be one of .+, got 'cosin'; did you mean 'cosine'?"),
        ({"process": Bits(), "objective": {"prediction": "v"}}, "process bits has no noise to predict: .+ got v"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], says: str) -> None:
    fields = {"data": torch.randn(3, 2), "training": {"steps": 1}, **given}
    with pytest.raises(ValueError, match=f"^{says}"):
        becalm.fit(Net(2), fields.pop("data"), device="cpu", **fields)
