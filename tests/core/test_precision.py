"""Half precision: cast once and not per call, to the bits of autocast; every bundled network runs with such weights."""

from typing import Any

import pytest
import torch
from toy import model

import becalm
from becalm.denoiser.narrow import Narrow, narrowed
from becalm.device import half
from becalm.level import NoiseLevel
from becalm_images.domain import Images

BUNDLED = ("mnist", "pusht", "lander", "fork", "set-cover", "independent-set")
CPU = torch.device("cpu")


def level(dtype: torch.dtype = torch.float32) -> NoiseLevel:
    return NoiseLevel(torch.tensor(0.5).double(), torch.tensor(0.7, dtype=dtype), torch.tensor(0.71, dtype=dtype))


def test_auto_is_single_precision_on_a_cpu_where_seeds_agree_between_machines() -> None:
    assert [half(name, CPU) for name in ("auto", "fp32", "bf16")] == [None, None, torch.bfloat16]


@pytest.mark.parametrize("preset", ["unet-tiny", "dit-tiny", "unet2d-tiny"])
def test_weights_cast_once_give_the_bits_of_autocast(preset: str) -> None:
    torch.manual_seed(0)
    network = Images(architecture=preset).network().eval().requires_grad_(False)  # type: ignore[arg-type]
    for weight in network.parameters():
        weight += 0.1 * torch.randn_like(weight)
    x, labels = torch.randn(4, 1, 28, 28), torch.arange(4)
    narrow = narrowed(network, torch.bfloat16)
    assert {weight.dtype for weight in narrow.parameters()} == {torch.float32, torch.bfloat16}
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(narrow(x, level(), labels), network(x, level(), labels))


def test_a_copy_is_kept_until_a_weight_changes() -> None:
    network, narrow = model().network, Narrow()
    first = narrow.of(network, torch.bfloat16)
    assert narrow.of(network, torch.bfloat16) is first
    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert narrow.of(network, torch.bfloat16) is not first


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_network_runs_with_weights_in_half_precision(name: str, dtype: torch.dtype) -> None:
    of = becalm.load(name, "cpu")
    fields: dict[str, Any] = {"count": 2, "steps": 2}
    exact = of.sample(**fields).x0
    of.network.to(dtype)
    sampled = of.sample(**fields).x0
    assert sampled.dtype == torch.float32 and bool(torch.isfinite(sampled).all())
    if of.domain.name != "programs":  # Their samples are rounded on the way.
        assert float((sampled - exact).abs().mean()) < 0.05


def test_frequencies_of_the_noise_level_stay_exact_in_half_precision() -> None:
    network = becalm.load("mnist", "cpu").network
    (frequencies,) = (value.clone() for name, value in network.named_buffers() if name.endswith("frequencies"))
    network.bfloat16()
    (kept,) = (value for name, value in network.named_buffers() if name.endswith("frequencies"))
    assert torch.equal(kept, frequencies)
    x = torch.randn(2, 1, 28, 28, dtype=torch.bfloat16)
    assert network(x, level(torch.bfloat16), torch.tensor([1, 2])).dtype == torch.bfloat16
