"""Langevin dynamics on gradients of minibatches has the posterior's moments, and at one size those of a closed form."""

import pytest
import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.sampler.stochastic.gradient_langevin import gradient_langevin, polynomial

N, BATCH, CHAINS = 100, 10, 2000
DATA = torch.randn(N, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 0.7
PRECISION = 1 + N
"""Of the posterior of a mean with a standard normal prior, from N numbers of variance 1."""


def chains(sizes: list[float]) -> Tensor:
    """(CHAINS,) the last step of independent chains, a minibatch of its own for each."""
    generator = torch.Generator().manual_seed(0)

    def slope(theta: Tensor, number: int) -> Tensor:
        some = DATA[torch.randint(N, (CHAINS, BATCH), generator=generator)]
        return -theta + N / BATCH * (some - theta[:, None]).sum(1)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    *_, last = gradient_langevin(slope, torch.zeros(CHAINS, dtype=torch.float64), sizes, noise)
    return last


def test_falling_sizes_lead_to_the_posterior() -> None:
    theta = chains(list(polynomial(600, 4e-3, 2e-4)))
    assert float(theta.mean()) == pytest.approx(float(DATA.sum()) / PRECISION, abs=4 / (PRECISION * CHAINS) ** 0.5)
    assert float(theta.var()) * PRECISION == pytest.approx(1, abs=0.1)


def test_at_one_size_the_spread_is_that_of_the_linear_recursion() -> None:
    size = 5e-3
    # theta' = (1 - e P / 2) theta + ... + e / 2 xi + sqrt(e) z, the minibatch's xi of variance N^2 / n var(data).
    minibatch = N**2 / BATCH * float(DATA.var(unbiased=False))
    wanted = (size + size**2 / 4 * minibatch) / (1 - (1 - size * PRECISION / 2) ** 2)
    assert float(chains([size] * 60).var()) == pytest.approx(wanted, rel=0.07)
    assert wanted * PRECISION > 1.5


def test_sizes_fall_between_their_ends_and_bad_ones_are_refused() -> None:
    sizes = list(polynomial(50, 0.1, 0.001))
    assert (sizes[0], sizes[-1]) == pytest.approx((0.1, 0.001)) and sizes == sorted(sizes, reverse=True)
    with pytest.raises(UserError, match="must fall"):
        polynomial(50, 0.001, 0.1)
    with pytest.raises(UserError, match=r"above 0, got 0\.0"):
        next(gradient_langevin(lambda theta, number: theta, torch.zeros(1), [0.0]))
