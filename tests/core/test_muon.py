"""Muon: the update is the nearest semi-orthogonal matrix, and weights of one size, taken together, learn as alone."""

import pytest
import torch
from torch import Tensor, nn

from becalm.train.muon import Muon, orthogonal

SHAPES = [(32, 48), (48, 32), (32, 48), (40, 4, 3, 3), (64, 64), (36, 40)]


def _weights() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def _gradient(weight: Tensor, step: int) -> Tensor:
    return torch.randn(weight.shape, generator=torch.Generator().manual_seed(step + weight.numel()))


def _trained(weights: list[nn.Parameter], steps: int) -> list[Tensor]:
    optimizer = Muon(weights, lr=0.01, weight_decay=0.1)
    for step in range(steps):
        for weight in weights:
            weight.grad = _gradient(weight, step)
        optimizer.step()
    return [weight.detach() for weight in weights]


def test_directions_stay_and_sizes_become_one() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(5, 24, 40, generator=generator, dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    core = left.mT @ orthogonal(matrices) @ right.mT
    sizes = core.diagonal(dim1=1, dim2=2)
    assert (core - torch.diag_embed(sizes)).abs().max() < 1e-10
    assert 0.6 < sizes.min() <= sizes.max() < 1.25


def test_the_size_of_a_gradient_does_not_count() -> None:
    matrices = torch.randn(2, 8, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(orthogonal(1000 * matrices), orthogonal(matrices), rtol=1e-6, atol=1e-6)


def test_a_weight_learns_the_same_alone_and_among_others() -> None:
    together = _trained(_weights(), 3)
    for weight, beside in zip(_weights(), together, strict=True):
        (alone,) = _trained([weight], 3)
        torch.testing.assert_close(alone, beside, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(32, 48), (48, 32), (40, 4, 3, 3)])
def test_the_first_update_has_the_size_of_one_by_adam(shape: tuple[int, ...]) -> None:
    """Liu et al. 2025, eq. 4: a root mean square of .2 of the rate, where AdamW's is .2 to .4; weights shrink first."""
    weight = nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(2)))
    before = weight.detach().clone()
    (after,) = _trained([weight], 1)
    move = after - before * (1 - 0.01 * 0.1)
    assert float(move.square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.25)


def test_a_weight_without_a_gradient_stays() -> None:
    weights = _weights()[:2]
    before = weights[1].detach().clone()
    weights[0].grad = _gradient(weights[0], 0)
    Muon(weights, lr=0.01).step()
    torch.testing.assert_close(weights[1].detach(), before, rtol=0, atol=0)
    assert not torch.equal(weights[0].detach(), _weights()[0].detach())
