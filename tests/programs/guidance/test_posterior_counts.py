"""Particles share samples out among the solutions of a program as the posterior does; one guided estimate does not.

Bits are 0 or 1 alike, and a program's rows make some more likely than others: p(x0) exp(-w violation(x0)). Its
64 points are enumerated, and counts are compared with them by total variation, beside that of as many exact draws.
"""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor

from becalm.guidance import Descend
from becalm.level import NoiseLevel
from becalm.noise import Purpose, stream
from becalm.sampler import DDIM, Particles, Sampler, last
from becalm.schedule import Cosine, levels
from becalm_programs.guidance.energies import violation
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.program import Program
from becalm_programs.problem.standard_form import StandardForm

COUNT, BITS, WEIGHT = 1500, 6, 4.0
ROWS = np.array([[1.0, 1, 1, 0, 0, 0], [2, 0, 0, 3, 1, 2], [0, 1, 0, 1, 1, 0]])
EVERY = torch.tensor([[point >> bit & 1 for bit in range(BITS)] for point in range(2**BITS)]).float()


def form() -> StandardForm:
    """x1 + x2 + x3 = 1, 2 x1 + 3 x4 + x5 + 2 x6 <= 4, x2 + x4 + x5 >= 1."""
    return StandardForm.of(
        Program(
            cost=np.zeros(BITS),
            rows=sp.csr_array(ROWS),
            row_low=np.array([1, -np.inf, 1]),
            row_high=np.array([1, 4, np.inf]),
            low=np.zeros(BITS),
            high=np.ones(BITS),
            integer=np.ones(BITS, bool),
            names=tuple(f"x{number}" for number in range(1, BITS + 1)),
            row_names=("one", "room", "some"),
        )
    )


def energy(x0: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
    """-log p(y | x0)."""
    return WEIGHT * violation(x0, level, cond)


def prior(x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
    """E[x0 | x] of bits that are -1 or 1 alike."""
    return torch.tanh((level.alpha / level.sigma**2).to(x) * x)


def apart(sampler: Sampler, guided: bool) -> tuple[float, float]:
    """Total variation to the enumerated posterior, and that of as many exact draws."""
    every = ProblemBatch((form(),), (0,) * len(EVERY))
    path = levels(Cosine(), 40)
    weight = (-energy((2 * EVERY - 1).flatten(), path[-1], every)).double().softmax(0)
    cond = ProblemBatch((form(),), (0,) * COUNT)
    x = torch.randn(COUNT * BITS, generator=torch.Generator().manual_seed(0))
    denoise = Descend(energy, 1.0, "through")(prior) if guided else prior
    made = last(sampler(denoise, x, path, cond, stream(0, cond.owner, Purpose.STEP))).x
    points = ((made.reshape(COUNT, BITS) > 0) * 2 ** torch.arange(BITS)).sum(1)
    draws = torch.multinomial(weight, COUNT, replacement=True, generator=torch.Generator().manual_seed(1))
    found, exact = (
        float((torch.bincount(some, minlength=len(EVERY)) / COUNT - weight).abs().sum() / 2) for some in (points, draws)
    )
    return found, exact


def test_particles_are_as_near_to_the_posterior_as_exact_draws() -> None:
    found, exact = apart(Particles(energy=energy, count=8), guided=False)
    assert found < 1.35 * exact


@pytest.mark.parametrize("guided", [True, False])
def test_one_guided_estimate_and_none_are_not(guided: bool) -> None:
    found, exact = apart(DDIM(eta=1.0), guided)
    assert found > 1.6 * exact
