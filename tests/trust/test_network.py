"""A network from a stranger's settings: as ever where they fit its tensors, else an end before memory is given."""

import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import becalm
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.gate import network
from becalm.model import build
from becalm.objective import Objective
from becalm.schedule import Schedule
from becalm_images.domain import Images
from becalm_policies.domain import Policies
from becalm_programs.domain import IntegerPrograms

STATISTICS = {
    **{f"{what}_low": [0.0] * 3 for what in ("feature", "observation")},
    **{f"{what}_high": [1.0] * 3 for what in ("feature", "observation")},
    "action_shift": [[0.0] * 2] * 16,
    "action_scale": [[1.0] * 2] * 16,
}
SMALL: dict[str, Domain[Any]] = {
    "unet": Images(architecture="unet-tiny", height=8, width=8),
    "dit": Images(architecture="dit-tiny", height=8, width=8),
    "unet2d": Images(architecture="unet2d-tiny", height=8, width=8),
    "mlp": Policies(architecture="mlp-tiny", observation_size=3, action_size=2, statistics=STATISTICS),
    "programs": IntegerPrograms(width=8, rounds=1),
}
BOMBS: list[tuple[str, dict[str, Any]]] = [
    ("unet", {"architecture": {"blocks": 10**7}}),
    ("unet", {"architecture": {"widths": [10**6, 10**6]}}),
    ("unet", {"architecture": {"widths": [16] * 10**4}}),
    ("unet", {"architecture": {"fold": 10**6}}),
    ("unet", {"classes": 10**11}),
    ("unet", {"height": 10**9}),
    ("dit", {"architecture": {"depth": 10**9}}),
    ("dit", {"architecture": {"width": 4 * 10**6}}),
    ("dit", {"architecture": {"patch": 10**6}}),
    ("unet2d", {"architecture": {"blocks": 10**7}}),
    ("unet2d", {"architecture": {"timesteps": 10**12}}),
    ("mlp", {"architecture": {"blocks": 10**8}}),
    ("mlp", {"architecture": {"width": 10**7}}),
    ("mlp", {"horizon": 10**9}),
    ("mlp", {"action_size": 10**5}),
    ("programs", {"width": 10**6}),
    ("programs", {"rounds": 10**9}),
]


def stored(domain: Domain[Any]) -> Checkpoint:
    """A checkpoint of fresh weights."""
    torch.manual_seed(0)
    parts = {"network": domain.network(), "codec": domain.codec()}
    tensors = {
        f"{part}.{name}": value
        for part, module in parts.items()
        if isinstance(module, nn.Module)
        for name, value in module.state_dict().items()
    }
    sections = {"settings": domain, "schedule": Schedule.model_validate("cosine"), "objective": Objective()}
    config = {name: section.model_dump(mode="json") for name, section in sections.items()}
    return Checkpoint(tensors, {"domain": domain.name, **config})


def changed(settings: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {
        **settings,
        **{key: {**settings[key], **new} if isinstance(new, dict) else new for key, new in change.items()},
    }


@pytest.mark.parametrize("name", SMALL)
def test_what_fits_is_built_as_if_there_were_no_gate(name: str) -> None:
    checkpoint = stored(SMALL[name])
    direct = SMALL[name].network()
    direct.load_state_dict(checkpoint.below("network."))
    found = build(checkpoint, torch.device("cpu")).network
    # Buffers that a checkpoint does not hold, too.
    for one, other in (
        (direct.state_dict(), found.state_dict()),
        (dict(direct.named_buffers()), dict(found.named_buffers())),
    ):
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in one.items())


@pytest.mark.parametrize(("name", "change"), BOMBS, ids=str)
def test_settings_of_a_network_larger_than_its_tensors_end_at_once(name: str, change: dict[str, Any]) -> None:
    checkpoint = stored(SMALL[name])
    settings = changed(dict(checkpoint.config["settings"]), change)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="checkpoint"):
        build(Checkpoint(checkpoint.tensors, {**checkpoint.config, "settings": settings}), torch.device("cpu"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 2**10


def damage(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    first = next(name for name, value in tensors.items() if value.dim() > 1)
    value = tensors[first]
    new = {
        "nan": value * torch.nan,
        "infinite": torch.full_like(value, torch.inf),
        "whole numbers": value.to(torch.int8),
        "complex": value.to(torch.complex64),
        "another shape": value[:1],
        "missing": None,
    }[kind]
    return {name: tensor for name, tensor in {**tensors, first: new}.items() if tensor is not None}


@pytest.mark.parametrize("kind", ["nan", "infinite", "whole numbers", "complex", "another shape", "missing"])
def test_weights_that_are_none_of_the_networks_are_named(kind: str, tmp_path: Path) -> None:
    checkpoint = stored(SMALL["mlp"])
    path = tmp_path / "a.safetensors"
    Checkpoint(damage(dict(checkpoint.tensors), kind), checkpoint.config).write(path)
    with pytest.raises(UserError, match=rf"{path}: the checkpoint's (weights|tensors) .*weight"):
        becalm.load(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_any_precision_are_weights(dtype: torch.dtype) -> None:
    checkpoint = stored(SMALL["programs"])
    tensors = {name: value.to(dtype) for name, value in checkpoint.tensors.items()}
    found = build(Checkpoint(tensors, checkpoint.config), torch.device("cpu")).network
    assert {value.dtype for value in found.state_dict().values()} == {torch.float32}


class Looks(nn.Module):
    """A network that cannot be built without memory: it reads a number off a tensor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(int(torch.tensor(float(width)).item()), 1)


def test_a_network_that_needs_memory_to_be_built_is_built_within_bounds() -> None:
    tensors = Looks(3).state_dict()
    assert torch.equal(network.fitted(lambda: Looks(3), tensors).inner.weight, tensors["inner.weight"])
    with pytest.raises(UserError, match="much larger"):
        network.fitted(lambda: Looks(10**9), tensors)


def test_random_numbers_are_left_as_building_alone_leaves_them() -> None:
    tensors = Looks(3).state_dict()
    torch.manual_seed(1)
    nn.Linear(3, 1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    network.fitted(lambda: nn.Linear(3, 1), {name.removeprefix("inner."): value for name, value in tensors.items()})
    assert torch.equal(torch.rand(3), expected)
