"""Energies of chunks point exactly the way back, and guide every sampler without coupling a batch."""

from typing import Any

import pytest
import torch
from scripted import plain, scripted
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.guidance import Descend, Scale, gradient, total
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMpp2M, Sampler, sample
from becalm.schedule import Flow, levels
from becalm_policies.control.policy import policy
from becalm_policies.energies import keep_away, near_previous, steady, within

SCALE = torch.tensor([50.0, 50.0])


def decode(x0: Tensor, cond: None) -> Tensor:
    """Pixels: the plane's origin is at 256."""
    return x0 * SCALE + 256


def level(t: float) -> NoiseLevel:
    return Flow()(torch.tensor(t))


def places(count: int, seed: int = 0) -> Tensor:
    return 1.2 * torch.randn(count, 4, 2, generator=torch.Generator().manual_seed(seed))


def test_the_gradient_of_keep_away_leads_to_the_edge() -> None:
    x0, energy = places(20), keep_away(decode, (266.0, 256.0), 60.0)
    moved = decode(x0 - gradient(energy, x0, level(1.0), None), None)
    before, after = ((each - torch.tensor([266.0, 256.0])).norm(dim=-1) for each in (decode(x0, None), moved))
    inside = before < 60
    assert bool(inside.any()) and bool((~inside).any())
    assert after[inside] == pytest.approx(torch.full_like(after[inside], 60.0), abs=1e-2)
    assert torch.equal(after[~inside], before[~inside])
    assert bool(((energy(x0, level(1.0), None) > 0) == inside.any(1)).all())


def test_the_gradient_of_keep_away_exists_in_the_very_middle() -> None:
    energy = keep_away(decode, (256.0, 256.0), 60.0)
    assert bool(torch.isfinite(gradient(energy, torch.zeros(1, 4, 2), level(1.0), None)).all())


def test_the_gradient_of_within_leads_to_the_bounds() -> None:
    x0, energy = places(20), within(decode, (220.0, 230.0), (300.0, float("inf")))
    moved = decode(x0 - gradient(energy, x0, level(1.0), None), None)
    bounded = torch.maximum(decode(x0, None).clamp(max=torch.tensor([300.0, torch.inf])), torch.tensor([220.0, 230.0]))
    torch.testing.assert_close(moved, bounded, rtol=0, atol=1e-3)


def test_the_gradient_of_near_previous_leads_to_it_where_it_is_known() -> None:
    x0, previous = places(3), decode(places(3, seed=1), None)
    known = torch.tensor([[True, True, False, False]] * 3)
    energy = near_previous(decode, previous, known)
    moved = decode(x0 - gradient(energy, x0, level(1.0), None), None)
    torch.testing.assert_close(moved[:, :2], previous[:, :2], rtol=0, atol=1e-3)
    assert torch.equal(moved[:, 2:], decode(x0, None)[:, 2:])


def cloud() -> GaussianMixture:
    """Chunks of four places, spread about the origin."""
    return GaussianMixture(torch.ones(1), torch.zeros(1, 4, 2), torch.ones(1))


@pytest.mark.parametrize(
    ("sampler", "scale"),
    [(DDIM(), 3.0), (DPMpp2M(), 3.0), (DDIM(), steady(1)), (DPMpp2M(), steady(1)), (DDPM(), steady(1))],
)
def test_guided_samples_stay_out_of_the_region(sampler: Sampler, scale: Scale) -> None:
    x = torch.randn(200, 4, 2, generator=torch.Generator().manual_seed(0))
    centre, path = torch.tensor([256.0, 256.0]), levels(Flow(), 30)
    guide = Descend(keep_away(decode, (256.0, 256.0), 40.0), scale, "clean")

    def inside(made: Tensor) -> float:
        return float(((decode(made, None) - centre).norm(dim=-1) < 40 - 2).float().mean())

    noise = torch.Generator().manual_seed(1)
    noise_of = lambda like: torch.randn(like.shape, generator=noise)  # noqa: E731
    free = inside(sample(sampler(cloud(), x, path, None, noise_of)))
    guided = inside(sample(sampler(guide(cloud()), x, path, None, noise_of)))
    assert free > 0.2
    assert guided < 0.02


@pytest.mark.parametrize("where", ["clean", "noisy", "through"])
def test_each_member_of_a_batch_is_guided_alone(where: Any) -> None:
    x, previous = places(6), decode(places(6, seed=2), None)
    path = levels(Flow(), 6)

    def guided(rows: slice) -> Tensor:
        known = torch.ones(len(x[rows]), 4, dtype=torch.bool)
        near = near_previous(decode, previous[rows], known)
        energy = total((1.0, keep_away(decode, (256.0, 256.0), 40.0)), (0.5, near))
        return sample(DDIM()(Descend(energy, 0.5, where)(cloud()), x[rows], path, None))

    whole = guided(slice(None))
    for row in range(6):
        torch.testing.assert_close(guided(slice(row, row + 1))[0], whole[row], rtol=1e-5, atol=1e-5)


def test_scale_0_guides_nothing() -> None:
    x, path = places(6), levels(Flow(), 6)
    free = sample(DPMpp2M()(cloud(), x, path, None))
    for energy in (keep_away(decode, (256.0, 256.0), 40.0), within(decode, (250, 250), (260, 260))):
        assert torch.equal(sample(DPMpp2M()(Descend(energy, 0.0, "clean")(cloud()), x, path, None)), free)


def test_a_policy_keeps_its_actions_away_from_a_disc() -> None:
    domain = plain(2, 2)
    denoise = GaussianMixture(torch.ones(1), torch.zeros(1, 6, 2), torch.ones(1))
    model = scripted(lambda x, level, cond: denoise(x, level), domain)

    def inside(**fields: Any) -> float:
        chunk = policy(model, steps=20, **fields).plan(torch.zeros(100, 2, 2).numpy())
        return float((((chunk - [0.5, 0.0]) ** 2).sum(-1) < 0.65**2).mean())

    assert inside() == inside(avoid=(0.5, 0.0, 0.7), avoid_scale=0.0) > 0.1
    assert inside(avoid=(0.5, 0.0, 0.7), avoid_scale=1.0) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keep_away(decode, (0, 0), 0.0), "radius must be above 0, got 0.0"),
        (lambda: keep_away(decode, (0, 0, 0), 1.0), "one number per entry, 2, got 3"),
        (lambda: within(decode, (0, 3), (1, 2)), "as many lows as highs"),
    ],
)
def test_wrong_regions_are_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
