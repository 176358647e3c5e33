"""Sample i is the same to the last bit whatever the batch, the chunks, the order and the company it is made in."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from toy import Perceptron, Points, model

from becalm.batch import Batch
from becalm.denoiser import NetworkDenoiser
from becalm.guidance import ClassifierFree
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.objective import Objective
from becalm.sampler import DDIM, sample
from becalm.schedule import Cosine, Linear, levels
from becalm_images.domain import Images
from becalm_images.networks.unet import UNet

SAMPLERS = ["ddim", "dpmpp2m", "ddpm"]
GUIDED: list[dict[str, Any]] = [{}, {"guidance": 2.5}, {"guidance": 2.5, "rescale": 0.7}]


def images() -> Model[Tensor]:
    """A U-Net of images whose weights are not those of a fresh one, which would answer 0."""
    domain = Images(
        height=8,
        width=8,
        classes=3,
        architecture={"preset": "unet-tiny", "widths": (16, 32), "groups": 4},  # type: ignore[arg-type]
    )
    network = domain.network()
    assert isinstance(network, UNet)
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * (0.3 / max(weight[0].numel(), 1) ** 0.5))
    network = network.eval().requires_grad_(False)
    return Model(domain, Cosine(), Objective(), network, domain.codec(), torch.device("cpu"), {})


def made(of: Model[Any], count: int, **fields: Any) -> Tensor:
    return of.sample(count=count, seed=3, **fields).x0


@pytest.mark.parametrize("guidance", GUIDED, ids=["plain", "guided", "rescaled"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_points_do_not_know_their_batch(name: str, guidance: dict[str, Any]) -> None:
    fields = {"sampler": name, "steps": 6, **guidance}
    whole = made(model(), 64, batch=64, **fields)
    assert bool(torch.isfinite(whole).all())
    assert torch.equal(made(model(), 1, **fields), whole[:1])
    assert torch.equal(made(model(), 7, **fields), whole[:7])
    for size in (1, 7, 20, 64):
        assert torch.equal(made(model(), 64, batch=size, **fields), whole)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("guidance", GUIDED[:2], ids=["plain", "guided"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_images_do_not_know_their_batch(name: str, guidance: dict[str, Any], precision: str) -> None:
    of, fields = images(), {"sampler": name, "steps": 3, "precision": precision, **guidance}
    whole = made(of, 64, batch=64, **fields)
    assert bool(torch.isfinite(whole).all()) and float(whole.std()) > 0.05
    assert torch.equal(made(of, 1, **fields), whole[:1])
    assert torch.equal(made(of, 7, **fields), whole[:7])
    assert torch.equal(made(of, 33, batch=7, **fields), whole[:33])


@pytest.mark.parametrize("chunk", [1, 16, 64])
def test_a_chunk_may_be_of_1_16_or_64_samples(chunk: int) -> None:
    class Chunked(Points):
        chunk: ClassVar[int | None] = 1

    Chunked.chunk = chunk
    fields: dict[str, Any] = {"steps": 4, "guidance": 2.0}
    whole = made(model(Chunked()), 40, **fields)
    assert torch.equal(made(model(Chunked()), 40, batch=7, **fields), whole)
    # Chunks of another size may differ in the last bits, and only there.
    torch.testing.assert_close(whole, made(model(), 40, **fields), rtol=1e-3, atol=1e-4)


class Counting(nn.Module):
    """Writes down how many samples each call has; calls of fewer than ``least`` have other last bits."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.least, self.lengths = least, list[int]()

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        self.lengths.append(len(x))
        return x * cond[:, None] * (1 + 1e-6 * (len(x) < self.least))


@pytest.mark.parametrize(("least", "lengths"), [(1, [8, 1]), (2, [8, 2]), (8, [8, 8])])
def test_a_last_chunk_is_as_short_as_keeps_the_bits(least: int, lengths: list[int]) -> None:
    network = Counting(least)
    denoise = NetworkDenoiser[Tensor](network, "x0", chunk=8)
    x, cond, level = torch.randn(9, 2), torch.arange(9.0) + 1, Cosine()(torch.tensor(0.4).double())
    whole = x * cond[:, None]
    for _ in range(44):
        network.lengths.clear()
        assert torch.equal(denoise(x, level, cond), whole)
    assert network.lengths == lengths


def test_an_output_of_zeros_says_nothing_of_short_chunks() -> None:
    network = Counting(8)
    denoise = NetworkDenoiser[Tensor](network, "x0", chunk=8)
    level, cond = Cosine()(torch.tensor(0.4).double()), torch.ones(3)
    assert not denoise(torch.zeros(3, 2), level, cond).any()
    assert torch.equal(denoise(torch.ones(3, 2), level, cond), torch.ones(3, 2))


def test_interleaved_runs_do_not_disturb_each_other() -> None:
    of = model()
    requests = [of.request(count=5, seed=seed, sampler="ddpm", steps=6, guidance=2.0) for seed in (1, 2)]
    alone = [[step.x for step in of.steps(request)] for request in requests]
    first, second = (of.steps(request) for request in requests)
    mixed = [(one.x, other.x) for one, other in zip(first, second, strict=True)]
    for index, pair in enumerate(mixed):
        assert torch.equal(pair[0], alone[0][index]) and torch.equal(pair[1], alone[1][index])


def test_two_runs_along_one_path_are_the_same() -> None:
    # A path keeps what was derived from it; neither that nor another dtype in between may change a result.
    path, network = levels(Linear(), 7), model().network
    x, cond = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 1])
    denoise = NetworkDenoiser[Tensor](network, "eps")
    first = sample(DDIM()(denoise, x, path, cond))
    sample(DDIM(0.5)(denoise, x, path, cond))
    sample(DDIM()(lambda x, level, cond: x, x.double(), path, cond))
    assert torch.equal(sample(DDIM()(denoise, x, path, cond)), first)
    bare = [NoiseLevel(level.t, level.alpha, level.sigma) for level in path]
    assert torch.equal(sample(DDIM()(denoise, x, bare, cond)), first)


def test_the_batched_call_of_guidance_equals_two_calls_to_the_bit() -> None:
    of = model()
    denoise, level = of.denoiser(), Cosine()(torch.tensor(0.4).double())
    x, cond = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 1, 0])
    guided = ClassifierFree(3.0, of.domain.drop)(denoise)(x, level, cond)
    bare, conditional = denoise(x, level, of.domain.drop(cond)), denoise(x, level, cond)
    assert torch.equal(guided, bare + 3.0 * (conditional - bare))


@pytest.mark.parametrize("level_axes", ["one level", "one each"])
def test_a_chunk_takes_each_samples_own_level(level_axes: str) -> None:
    t = torch.tensor(0.3).double() if level_axes == "one level" else torch.linspace(0.1, 0.9, 5).double()
    level = Cosine()(t) if t.dim() == 0 else Cosine()(t[:, None])
    network = Perceptron(16, 2, 0.0).eval()
    x, cond = torch.randn(5, 2), torch.tensor([0, 1, 2, 0, 1])
    with torch.no_grad():
        whole = NetworkDenoiser[Tensor](network, "v")(x, level, cond)
        chunked = NetworkDenoiser[Tensor](network, "v", chunk=2)(x, level, cond)
    assert whole.dtype == torch.float32
    torch.testing.assert_close(whole, chunked, rtol=1e-5, atol=1e-6)


def test_a_level_per_coordinate_is_not_taken_for_one_per_sample() -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
            return x

    alpha = torch.tensor([0.9, 0.5]).double()
    level = NoiseLevel(torch.tensor(0.5).double(), alpha, (1 - alpha**2).sqrt())
    x = torch.randn(2, 2)
    whole = NetworkDenoiser[None](Plain(), "v")(x, level, None)
    assert torch.equal(NetworkDenoiser[None](Plain(), "v", chunk=4)(x, level, None), whole)


class Rows(Points):
    """Samples of 1, 2, 3, 1, ... rows."""

    chunk: ClassVar[int | None] = None

    def owner(self, cond: Tensor, count: int) -> Tensor:
        return torch.repeat_interleave(torch.arange(count), cond + 1)

    def condition(self, request: Any) -> Tensor:
        return torch.arange(request.first, request.first + request.count) % 3

    def network(self) -> nn.Module:
        class Elementwise(nn.Module):
            def forward(self, x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
                return x.tanh().round(decimals=3)

        return Elementwise()


def test_the_rows_of_a_ragged_sample_differ_and_do_not_know_their_batch() -> None:
    for name in SAMPLERS:
        fields: dict[str, Any] = {"sampler": name, "steps": 5}
        whole = made(model(Rows()), 6, **fields)
        assert whole.shape == (12, 2)
        assert len(torch.unique(whole)) == whole.numel()
        assert torch.equal(made(model(Rows()), 6, batch=1, **fields), whole)
        assert torch.equal(made(model(Rows()), 4, batch=3, **fields), whole[:7])


def test_a_dense_batch_is_the_ragged_case_of_one_row_each() -> None:
    x0 = torch.randn(4, 3)
    dense, ragged = Batch.dense(x0, None), Batch(x0, None, torch.arange(4), 4)
    values = torch.randn(4)
    assert torch.equal(dense.rows(values), ragged.rows(values))
    assert torch.equal(dense.mean(x0), ragged.mean(x0))
