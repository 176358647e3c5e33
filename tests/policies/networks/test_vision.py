"""What an encoder sees: places, in coordinates of the whole picture, whatever part of it is looked at."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from seeing import SMALL, domain, pointing
from torch import Tensor

from becalm.cond import join, take
from becalm.denoiser import NetworkDenoiser
from becalm.level import NoiseLevel
from becalm.schedule import Flow
from becalm_policies.networks.crop import crop
from becalm_policies.networks.encoder import Encoder
from becalm_policies.networks.spatial_softmax import places, spatial_softmax
from becalm_policies.networks.vision import Seeing, telling


def peaks(rows: Tensor, columns: Tensor, side: int = 12) -> Tensor:
    """Maps (N, 1, side, side) with one sharp peak each."""
    maps = torch.full((len(rows), 1, side, side), -50.0)
    maps[torch.arange(len(rows)), 0, rows, columns] = 50.0
    return maps


def test_a_peak_is_said_to_be_where_it_is_and_flat_maps_say_the_middle() -> None:
    first = torch.tensor([0, 3])
    grid = places(first, 12, 2, 40, 2)
    rows, columns = torch.tensor([0, 11]), torch.tensor([5, 2])
    found = spatial_softmax(peaks(rows, columns), grid, grid)[:, 0]
    pixels = torch.stack([first + 2 * columns + 0.5, first + 2 * rows + 0.5], dim=1)
    torch.testing.assert_close(found, pixels / 19.5 - 1)
    flat = spatial_softmax(torch.zeros(1, 3, 20, 20), places(first[:1], 20, 2, 40, 2), places(first[:1], 20, 2, 40, 2))
    torch.testing.assert_close(flat, torch.zeros(1, 3, 2))


def test_spatial_softmax_moves_with_what_is_seen() -> None:
    maps = torch.full((1, 4, 12, 12), -1e4)
    maps[:, :, 2:7, 3:8] = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    grid = places(torch.zeros(1, dtype=torch.long), 12, 1, 12)
    moved = spatial_softmax(maps.roll((4, 3), (2, 3)), grid, grid) - spatial_softmax(maps, grid, grid)
    torch.testing.assert_close(moved, torch.tensor([3 / 5.5, 4 / 5.5]).expand_as(moved))


def test_a_crop_is_a_part_of_its_picture_the_same_for_all_frames_of_a_sample() -> None:
    pictures = torch.arange(6 * 2 * 3 * 9 * 7).reshape(6, 2, 3, 9, 7)
    torch.manual_seed(0)
    part, first = crop(pictures, (5, 4), random=True)
    for sample, (y, x) in enumerate(first.tolist()):
        assert torch.equal(part[sample], pictures[sample, :, :, y : y + 5, x : x + 4])
    middle, first = crop(pictures, (5, 4), random=False)
    assert torch.equal(middle, pictures[..., 2:7, 1:5]) and first.tolist() == [[2, 1]] * 6


def test_random_crops_begin_anywhere_evenly() -> None:
    torch.manual_seed(0)
    _, first = crop(torch.zeros(4000, 1, 3, 6, 5, dtype=torch.uint8), (4, 4), random=True)
    counts = torch.bincount(2 * first[:, 0] + first[:, 1], minlength=6).double()
    assert counts.shape == (6,) and float((counts - 4000 / 6).abs().max()) < 4 * (4000 / 6) ** 0.5


def test_what_an_encoder_says_of_a_place_does_not_depend_on_the_crop() -> None:
    """Of a mark on grey, with sharp maps and nothing between pixels and maps that knows more than its neighbourhood."""
    torch.manual_seed(0)
    encoder = Encoder((40, 40), crop=0.8, patch=1, widths=(8,), keypoints=6, outline=0)
    with torch.no_grad():
        encoder.maps.weight.mul_(3000)
    pictures = torch.full((8, 1, 3, 40, 40), 128, dtype=torch.uint8)
    pictures[..., 17:22, 18:24] = torch.randint(0, 255, (3, 5, 6), dtype=torch.uint8)
    encoder.norm, encoder.blocks = torch.nn.Identity(), torch.nn.Identity()
    with torch.no_grad():
        said = encoder(pictures)
    assert float(said.std(0).max()) < 1e-4 < float(said.abs().max())


@pytest.fixture
def seeing(tmp_path: Any) -> tuple[Seeing, Any, NoiseLevel]:
    """A network that sees, a batch of its training, and a level."""
    pointing().write(tmp_path / "store.npz")
    policies = domain(tmp_path / "store.npz", hidden=(2,), vision={**SMALL["vision"], "frames": 2})
    torch.manual_seed(0)
    network: Any = policies.network()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return network.eval(), next(policies.batches("train", 0)), Flow()(torch.tensor(0.5, dtype=torch.float64))


@torch.no_grad()
def test_embedding_first_changes_nothing_and_is_done_once(seeing: Any) -> None:
    network, batch, level = seeing
    denoise = NetworkDenoiser(network, "flow", chunk=4)
    calls = []
    network.encoders[0].register_forward_hook(lambda *_: calls.append(1))
    plain = denoise(batch.x0, level, batch.cond)
    assert len(calls) == 2
    embedded = denoise.embed(batch.cond)
    assert len(calls) == 4
    assert torch.equal(denoise(batch.x0, level, embedded), plain)
    assert len(calls) == 4
    assert network.bare(embedded).seen is None


@torch.no_grad()
def test_each_sample_is_seen_by_itself_and_conditions_are_cut_and_joined(seeing: Any) -> None:
    network, batch, _ = seeing
    whole = network.embed(batch.cond)
    parts = [network.embed(take(batch.cond, torch.tensor(rows))) for rows in ([0, 1, 2], [3, 4, 5, 6, 7])]
    torch.testing.assert_close(join(parts).seen, whole.seen)
    cond = take(batch.cond, torch.tensor([0, 1]))
    swapped = replace(cond, cameras={"image": cond.cameras["image"].flip(0)})
    assert not torch.allclose(network.embed(swapped).seen, network.embed(cond).seen)


@torch.no_grad()
def test_what_is_told_is_judged_against_what_is_hidden(seeing: Any) -> None:
    network, batch, level = seeing
    cond = network.embed(batch.cond)
    expected = ((cond.told - batch.cond.hidden) ** 2).mean((1, 2))
    torch.testing.assert_close(telling(batch.x0, level, cond), expected)
    with pytest.raises(ValueError, match="embedded"):
        telling(batch.x0, level, batch.cond)


@torch.no_grad()
def test_the_null_condition_is_the_same_before_and_after_looking(seeing: Any, tmp_path: Any) -> None:
    network, batch, _ = seeing
    policies = domain(tmp_path / "store.npz", hidden=(2,), vision={**SMALL["vision"], "frames": 2})
    before = network.embed(policies.drop(batch.cond)).seen
    after = policies.drop(network.embed(batch.cond)).seen
    assert torch.equal(before, after) and not before.any()
