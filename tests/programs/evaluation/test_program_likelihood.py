"""The probability of solutions: bounds that add up to at most 1, right for known bits, higher for good solutions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import becalm
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm_programs.evaluation.likelihood import log_probability
from becalm_programs.families import generate
from becalm_programs.families.everyday import KINDS
from becalm_programs.opening import bare
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling import sample

CHANCE = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9, 0.5])


def every(form: StandardForm) -> np.ndarray:
    """All points of a program of binary variables."""
    size = len(form.program.cost)
    return np.array([[point >> bit & 1 for bit in range(size)] for point in range(2**size)], dtype=float)


def small(size: int) -> StandardForm:
    """A cover of so many columns."""
    program = generate("set-cover", "tiny", 3)
    rows = program.rows[:, :size]
    kept = np.asarray(rows.sum(axis=1)).ravel() > 0
    changed = {name: getattr(program, name)[:size] for name in ("cost", "low", "high", "integer", "names")}
    some = {name: getattr(program, name)[kept] for name in ("row_low", "row_high")}
    names = tuple(name for name, there in zip(program.row_names, kept, strict=True) if there)
    return StandardForm.of(replace(program, rows=rows[kept], row_names=names, **changed, **some))


@pytest.mark.parametrize("steps", [10, 40])
def test_over_all_points_they_add_up_to_at_most_one(steps: int) -> None:
    form = small(8)
    model = becalm.load("set-cover", "cpu")
    total = np.exp(log_probability(model, form, every(form), steps=steps)).sum()
    assert 0 < total <= 1


class Independent(nn.Module):
    """E[x0 | x] of bits of which each is 1 with a chance of its own."""

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        chance = CHANCE.repeat(len(x) // len(CHANCE)).to(x)
        return torch.tanh((level.alpha / level.sigma**2).to(x) * x + torch.logit(chance) / 2)


def test_the_bound_is_below_the_probability_of_independent_bits_and_comes_near() -> None:
    form = small(len(CHANCE))
    model = replace(bare(torch.device("cpu")), network=Independent())
    points = every(form)
    exact = (points * CHANCE.log().numpy() + (1 - points) * (1 - CHANCE).log().numpy()).sum(1)
    coarse, fine = (exact - log_probability(model, form, points, steps=steps, draws=40) for steps in (10, 100))
    # A bound from below, up to chance, and the nearer the more steps the chain has.
    assert fine.min() > -0.1 and fine.max() < 0.6
    assert (coarse > fine).all()


def test_solutions_found_are_likelier_than_worse_ones() -> None:
    model, form = becalm.load("independent-set", "cpu"), StandardForm.of(generate("independent-set", "small", 5))
    good = sample(model, form, ProgramRequest(count=4, tier="1-opt", seed=1)).x
    # Each without a fourth of what it chose, which is feasible still.
    worse = good.copy()
    for row in worse:
        chosen = np.flatnonzero(row)
        row[chosen[::4]] = 0
    likely = log_probability(model, form, np.concatenate([good, worse]), steps=20)
    assert (likely[:4] > likely[4:]).all()


def test_continuous_variables_have_no_probability() -> None:
    form = StandardForm.of(KINDS["portfolio"](0))
    with pytest.raises(UserError, match="continuous"):
        log_probability(bare(torch.device("cpu")), form, np.zeros((1, len(form.program.cost))))
