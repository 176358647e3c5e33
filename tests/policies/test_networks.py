"""The policy networks: what every one of them promises."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import take
from becalm.denoiser import NetworkDenoiser
from becalm.domain import Domain, Picture
from becalm.level import NoiseLevel
from becalm.noise import Purpose, normal
from becalm.objective import Fixed, Objective
from becalm.schedule import Cosine, Flow, Karras, time_of_ratio
from becalm.train import Training, begin, train
from becalm_policies.networks.architecture import PRESETS, Architecture, Shape
from becalm_policies.networks.condition import Blind, Observed
from becalm_policies.networks.transformer import Transformer
from becalm_policies.networks.unet1d import UNet1D

TINY = sorted(name for name in PRESETS if name.endswith("-tiny"))
READ: TypeAdapter[Shape] = TypeAdapter(Architecture)


def network(name: str, horizon: int = 8, actions: int = 2, history: int = 2, features: int = 5) -> nn.Module:
    """A network none of whose weights is zero, which would make every law below hold trivially."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = PRESETS[name].build(horizon, actions, history, features).eval()
        with torch.no_grad():
            for weight in built.parameters():
                if not weight.any():
                    weight.normal_(std=0.1)
    return built


def drawn(
    rows: int = 4, horizon: int = 8, actions: int = 2, history: int = 2, features: int = 5
) -> tuple[Tensor, Observed]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, horizon, actions, generator=generator)
    seen = torch.randn(rows, history, features, generator=generator)
    return x, Observed(seen, torch.zeros(rows, actions))


def level(t: float) -> NoiseLevel:
    return Cosine()(torch.tensor(t, dtype=torch.float64))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(("horizon", "actions", "history"), [(8, 2, 2), (1, 1, 1), (7, 3, 1), (16, 2, 4), (13, 6, 2)])
@torch.no_grad()
def test_the_output_has_the_chunks_shape_and_depends_on_all_that_the_network_is_told(
    name: str, horizon: int, actions: int, history: int
) -> None:
    net = network(name, horizon, actions, history)
    x, cond = drawn(2, horizon, actions, history)
    base = net(x, level(0.5), cond)
    assert base.shape == x.shape
    for other in (
        net(x + 0.1, level(0.5), cond),
        net(x, level(0.6), cond),
        net(x, level(0.5), replace(cond, features=cond.features + 0.1)),
    ):
        assert float((other - base).abs().max()) > 1e-4


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_a_level_per_chunk_is_the_same_as_one_level_at_a_time(name: str) -> None:
    net, (x, cond) = network(name), drawn(3)
    times = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    together = net(x, Cosine()(times).spread(x), cond)
    for number in range(3):
        row = slice(number, number + 1)
        alone = net(x[row], Cosine()(times[number]), Observed(cond.features[row], cond.reference[row]))
        torch.testing.assert_close(together[row], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TINY)
def test_a_chunk_knows_nothing_of_its_neighbours(name: str) -> None:
    net, (x, cond) = network(name), drawn()
    x.requires_grad_()
    cond.features.requires_grad_()
    net(x, level(0.4), cond)[1].sum().backward()
    for told in (x, cond.features):
        assert told.grad is not None
        reached = told.grad.flatten(1).abs().sum(1) > 0
        assert reached.tolist() == [False, True, False, False]


@pytest.mark.parametrize("name", TINY)
def test_gradients_reach_every_weight(name: str) -> None:
    net, (x, cond) = network(name), drawn()
    net(x, level(0.4), cond).square().mean().backward()
    for key, weight in net.named_parameters():
        assert weight.grad is not None, key
        assert bool(torch.isfinite(weight.grad).all()), key
        assert float(weight.grad.abs().max()) > 0, key


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_a_fresh_network_answers_zero(name: str) -> None:
    x, cond = drawn()
    assert not net_output(PRESETS[name].build(8, 2, 2, 5), x, cond).any()


def net_output(net: nn.Module, x: Tensor, cond: Observed) -> Tensor:
    output: Tensor = net.eval()(x, level(0.3), cond)
    return output


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_one_network_serves_every_schedule_at_the_same_ratio(name: str) -> None:
    net, (x, cond) = network(name), drawn()
    ratio = torch.tensor([0.7], dtype=torch.float64)
    outputs = [net(x, kind(time_of_ratio(kind, ratio)[0]), cond) for kind in (Cosine(), Flow(), Karras())]
    for other in outputs[1:]:
        torch.testing.assert_close(other, outputs[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("each", [False, True], ids=["one level", "one each"])
@torch.no_grad()
def test_a_blind_network_sees_x_but_where_it_is_pure_noise(name: str, each: bool) -> None:
    net, (x, cond) = Blind(network(name)), drawn()
    noise, less = (Flow()(torch.full((4,) if each else (), t, dtype=torch.float64)) for t in (1.0, 0.9))
    noise, less = (found.spread(x) if each else found for found in (noise, less))
    assert torch.equal(net(x, noise, cond), net(x + 1, noise, cond))
    assert not torch.equal(net(x, less, cond), net(x + 1, less, cond))


@torch.no_grad()
def test_without_places_the_transformer_knows_no_order_of_actions() -> None:
    net, (x, cond) = network("transformer-tiny"), drawn()
    assert isinstance(net, Transformer)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    placed = net(x, level(0.4), cond)
    assert not torch.allclose(net(x[:, order], level(0.4), cond), placed[:, order], atol=1e-3)
    net.place.zero_()
    base = net(x, level(0.4), cond)
    torch.testing.assert_close(net(x[:, order], level(0.4), cond), base[:, order], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_chunk_that_does_not_halve_is_a_longer_one_that_repeats_its_end() -> None:
    net, (x, cond) = network("unet-tiny", horizon=7), drawn(horizon=7)
    assert isinstance(net, UNet1D)
    longer = torch.cat([x, x[:, -1:]], dim=1)
    assert torch.equal(net(x, level(0.4), cond), net(longer, level(0.4), cond)[:, :7])


@pytest.mark.parametrize("name", ["sieve-tiny", "transformer-tiny"])
def test_dropout_is_only_there_in_training(name: str) -> None:
    shape = PRESETS[name].model_copy(update={"dropout": 0.5})
    net, (x, cond) = shape.build(8, 2, 2, 5), drawn()
    for weight in net.parameters():
        nn.init.normal_(weight, std=0.3)
    assert torch.equal(net.eval()(x, level(0.3), cond), net(x, level(0.3), cond))
    assert not torch.equal(net.train()(x, level(0.3), cond), net(x, level(0.3), cond))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_read_by_name_and_from_its_own_table(name: str) -> None:
    shape = READ.validate_python(name)
    assert shape == PRESETS[name]
    assert READ.validate_python(shape.model_dump(mode="json")) == shape


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "unet", "widths": [12]}, "widths must be multiples of groups, 8, got 12"),
        ({"kind": "unet", "kernel": 4}, "kernel must be odd, got 4"),
        ({"kind": "transformer", "width": 10, "heads": 4}, "width must be a multiple of heads, 4, got 10"),
        ({"preset": "unet-tiny", "groups": 7}, "widths must be multiples of groups, 7, got 32"),
        ("unet-teny", "did you mean 'unet-tiny'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(table: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        READ.validate_python(table)


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_a_padded_chunk_of_samples_is_the_same_to_the_bit_whatever_its_company(name: str) -> None:
    denoise, (x, cond) = NetworkDenoiser[Observed](network(name), "flow", chunk=16), drawn(37)
    whole = denoise(x, Flow()(torch.tensor(0.4, dtype=torch.float64)), cond)
    for index in (torch.tensor([5]), torch.arange(17, 30), torch.tensor([36, 0, 20])):
        part = denoise(x[index], Flow()(torch.tensor(0.4, dtype=torch.float64)), take(cond, index))
        assert torch.equal(part, whole[index])


@pytest.mark.parametrize("name", TINY)
def test_every_network_learns_to_copy_what_it_observes(name: str) -> None:
    class Copying(Domain[Observed]):
        name: ClassVar[str] = "copying"

        def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Observed]]:
            for number in count(start):
                x0 = normal(seed, torch.arange(32), number, Purpose.AUGMENT, (4, 2))
                yield Batch.dense(x0, Observed(x0.flatten(1)[:, None], torch.zeros(32, 2)))

        def network(self) -> nn.Module:
            return PRESETS[name].build(4, 2, 1, 8)

        def shape(self) -> tuple[int, ...]:
            return (4, 2)

        def condition(self, request: Any) -> Observed:
            raise NotImplementedError

        def metrics(self, x0: Tensor, cond: Observed) -> Mapping[str, float]:
            return {}

        def render(self, x0: Tensor, cond: Observed) -> Picture:
            raise NotImplementedError

    training = Training(steps=60, rate=8e-3, warmup=5, precision="fp32")
    objective = Objective(prediction="x0", times=Fixed(times=(1.0, 0.9)), drop=0.0)
    losses = [float(step.loss) for step in train(begin(Copying(), Flow(), objective, training, torch.device("cpu")))]
    assert sum(losses[-10:]) / 10 < 0.8 < losses[0]
