"""The image networks and the noise-aware classifier: what every one of them promises."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from becalm import UserError
from becalm.level import NoiseLevel
from becalm.schedule import Cosine, Flow, Karras, time_of_ratio
from becalm_images.domain import Images
from becalm_images.judge.classifier import Classifier
from becalm_images.networks.architecture import PRESETS

TINY = ("unet-tiny", "dit-tiny", "unet2d-tiny")


def _network(preset: str, **sizes: int) -> nn.Module:
    torch.manual_seed(0)
    network = Images(architecture=preset, **sizes).network().eval()
    with torch.no_grad():  # The zero last layers would make every law below hold trivially.
        for weight in network.parameters():
            if not weight.any():
                weight.normal_(std=0.1)
    return network


def _level(t: float) -> NoiseLevel:
    return Cosine()(torch.tensor(t, dtype=torch.float64))


@pytest.mark.parametrize("preset", TINY)
@torch.no_grad()
def test_output_depends_on_image_level_and_label_and_has_the_images_shape(preset: str) -> None:
    network, x = _network(preset), torch.randn(2, 1, 28, 28)
    labels = torch.tensor([3, 3])
    base = network(x, _level(0.5), labels)
    assert base.shape == x.shape
    for other in (
        network(x + 0.1, _level(0.5), labels),
        network(x, _level(0.6), labels),
        network(x, _level(0.5), torch.tensor([10, 10])),
    ):
        assert (other - base).abs().max() > 1e-3


@pytest.mark.parametrize("preset", TINY)
@torch.no_grad()
def test_a_level_per_image_is_the_same_as_one_level_at_a_time(preset: str) -> None:
    network, x, labels = _network(preset), torch.randn(3, 1, 28, 28), torch.tensor([0, 5, 10])
    times = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    together = network(x, Cosine()(times).spread(x), labels)
    for number in range(3):
        alone = network(x[number : number + 1], Cosine()(times[number]), labels[number : number + 1])
        assert torch.allclose(together[number], alone[0], atol=1e-5)


@torch.no_grad()
def test_one_network_serves_every_schedule_at_the_same_ratio() -> None:
    network, x, labels = _network("unet-tiny"), torch.randn(1, 1, 28, 28), torch.tensor([1])
    ratio = torch.tensor([0.7], dtype=torch.float64)
    outputs = [
        network(x, schedule(time_of_ratio(schedule, ratio)), labels) for schedule in (Cosine(), Flow(), Karras())
    ]
    assert torch.allclose(outputs[0], outputs[1], atol=1e-5)
    assert torch.allclose(outputs[0], outputs[2], atol=1e-5)


@pytest.mark.parametrize("preset", TINY)
@pytest.mark.parametrize("t", [0.0, 1e-9, 1.0])
@torch.no_grad()
def test_output_is_finite_at_both_ends_of_time(preset: str, t: float) -> None:
    assert torch.isfinite(_network(preset)(torch.randn(1, 1, 28, 28), _level(t), torch.tensor([0]))).all()


def test_every_preset_builds_and_the_bundled_one_stays_small() -> None:
    sizes = {name: sum(w.numel() for w in Images(architecture=name).network().parameters()) for name in PRESETS}
    kinds = {"unet": ("tiny", "small", "base"), "dit": ("tiny", "small", "base"), "unet2d": ("tiny", "small")}
    assert set(sizes) == {f"{kind}-{size}" for kind, named in kinds.items() for size in named}
    assert 2 * sizes["unet-small"] < 8e6  # float16 on disk
    assert sizes["unet-tiny"] < sizes["unet-small"] < sizes["unet-base"]


@pytest.mark.parametrize("preset", TINY)
@pytest.mark.parametrize(("height", "width"), [(30, 27), (1, 1), (5, 2)])
@torch.no_grad()
def test_images_of_any_size_pass_through(preset: str, height: int, width: int) -> None:
    network = _network(preset, height=height, width=width)
    x = torch.randn(2, 1, height, width)
    out = network(x, _level(0.5), torch.tensor([3, 10]))
    assert out.shape == x.shape
    assert torch.isfinite(out).all()
    assert (network(x + 0.1, _level(0.5), torch.tensor([3, 10])) - out).abs().min(0).values.max() > 1e-4


@pytest.mark.parametrize("preset", TINY)
@torch.no_grad()
def test_a_margin_is_as_if_the_image_had_had_it(preset: str) -> None:
    """Of a network for 28 x 28 and one for 26 x 27 with its weights, the second one sees the first one's image."""
    whole, part = _network(preset), _network(preset, height=26, width=27)
    part.load_state_dict(whole.state_dict())
    x, labels = torch.randn(1, 1, 26, 27), torch.tensor([3])
    framed = torch.zeros(1, 1, 28, 28)
    framed[..., 1:27, 0:27] = x
    assert torch.equal(part(x, _level(0.5), labels), whole(framed, _level(0.5), labels)[..., 1:27, 0:27])


@pytest.mark.parametrize(
    ("architecture", "largest", "says"),
    [
        ("unet-small", 256, "--architecture.widths"),
        ("dit-small", 256, "--architecture.patch"),
        ("unet2d-small", 256, "--architecture.attention"),
    ],
)
def test_images_too_large_to_attend_over_are_refused_with_a_way_out(architecture: str, largest: int, says: str) -> None:
    shape = Images(architecture=architecture).architecture
    shape.check_cost(largest, largest)
    with pytest.raises(UserError, match=rf"^on images of 512 x 512 [^\n]*--resize[^\n]*{says}"):
        shape.check_cost(512, 512)


@torch.no_grad()
def test_colour_images_pass_through() -> None:
    network = _network("unet-tiny", channels=3, height=32, width=16, classes=2)
    assert network(torch.randn(2, 3, 32, 16), _level(0.3), torch.tensor([0, 2])).shape == (2, 3, 32, 16)


def test_a_fresh_network_outputs_zero_so_training_starts_calmly() -> None:
    for preset in TINY:
        network = Images(architecture=preset).network()
        assert not network(torch.randn(2, 1, 28, 28), _level(0.5), torch.tensor([1, 2])).any()


def _classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(1, 10).eval()


def _difference(energy: Tensor, value: float) -> float:
    return abs(float(energy) - value)


@torch.no_grad()
def test_classifier_energy_is_minus_log_probability_and_zero_for_the_null_label() -> None:
    network, x = _classifier(), torch.randn(2, 1, 28, 28)
    energy = network.energy(x, _level(0.4), torch.tensor([3, 10]))
    probability = network(x, _level(0.4)).softmax(1)[0, 3]
    assert _difference(energy[0], -math.log(float(probability))) < 1e-5
    assert energy[1] == 0


def test_classifier_energy_does_not_couple_samples() -> None:
    network, x = _classifier(), torch.randn(3, 1, 28, 28, requires_grad=True)
    energy = network.energy(x, _level(0.4), torch.tensor([3, 1, 2]))
    (slope,) = torch.autograd.grad(energy[1], x)
    assert slope[1].any()
    assert not slope[0].any()
    assert not slope[2].any()


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"unet-smal.*did you mean 'unet-small'"):
        Images(architecture="unet-smal")
