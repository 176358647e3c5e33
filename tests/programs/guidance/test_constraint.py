"""Guidance without a network: rows hold, the cost is at a local optimum, energies are what they say."""

from typing import Any

import pytest
import torch
from batches import LEVEL, form, mixed, noise

from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm_programs.domain import IntegerPrograms
from becalm_programs.guidance.constraint import constraint_guidance
from becalm_programs.guidance.descent import violation_descent
from becalm_programs.guidance.energies import objective, violation
from becalm_programs.guidance.rounding import rounding_projection
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.structure.columns import Columns


def guided(*, objective_weight: float, search_steps: int, round_below: float) -> Guidance[ProblemBatch]:
    return constraint_guidance(
        1.0,
        objective_weight=objective_weight,
        inner_steps=5,
        round_below=round_below,
        search_steps=search_steps,
        patience=50,
    )


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "auction", "facility"])
def test_the_constraint_step_alone_finds_feasible_solutions_on_the_original_rows(family: str) -> None:
    cond = ProblemBatch((form(family),), (0,) * 16)
    domain = IntegerPrograms()

    def ignorant(x: torch.Tensor, level: NoiseLevel, cond: ProblemBatch) -> torch.Tensor:
        return torch.tanh(x)

    guide = guided(objective_weight=0.0, search_steps=300, round_below=1.0)
    x0 = guide(ignorant)(noise(cond), LEVEL, cond)
    before, after = domain.metrics(torch.tanh(noise(cond)), cond), domain.metrics(x0, cond)
    assert after["feasible"] >= 0.9 > before["feasible"]


def test_the_constraint_step_leaves_what_is_feasible_as_it_is() -> None:
    cond = ProblemBatch((form("set-cover"),), (0,) * 3)
    everything = torch.full((len(cond.owner),), 0.98)
    on_the_way = guided(objective_weight=0.0, search_steps=300, round_below=0.0)
    torch.testing.assert_close(on_the_way(lambda x, level, cond: everything)(everything, LEVEL, cond), everything)
    near_clean = guided(objective_weight=0.0, search_steps=300, round_below=1.0)
    assert bool((near_clean(lambda x, level, cond: everything)(everything, LEVEL, cond) > 0).all())


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "auction", "facility", "assignment", "knapsack"])
def test_the_objective_leaves_no_flip_that_betters_the_cost_and_breaks_no_row(family: str) -> None:
    """What guidance ends on is a local optimum of set covers and packings; nowhere is it worse than without."""
    made = form(family, 3)
    cond = ProblemBatch((made,), (0,) * 8)

    def drawn(pull: float) -> Any:
        guide = guided(objective_weight=pull, search_steps=2000, round_below=1.0)
        return IntegerPrograms().verdicts(guide(lambda x, level, cond: torch.tanh(x))(noise(cond), LEVEL, cond), cond)

    without, pulled = drawn(0.0)[0], drawn(1e-9)[0]
    sign = -1 if made.program.maximise else 1
    assert (pulled.feasible >= without.feasible).all()
    both = pulled.feasible & without.feasible
    assert (sign * pulled.objective[both] <= sign * without.objective[both] + 1e-9).all()
    if family in ("set-cover", "independent-set"):
        domain = IntegerPrograms()
        guide = guided(objective_weight=1e-9, search_steps=2000, round_below=1.0)
        x = domain.solutions(guide(lambda x, level, cond: torch.tanh(x))(noise(cond), LEVEL, cond), cond)[0]
        assert (oneopt(Columns.of(made.program), x) == x).all()


def test_energies_are_one_number_per_sample_and_cost_is_the_scaled_objective() -> None:
    cond = mixed()
    x0 = torch.tanh(noise(cond))
    assert violation(x0, LEVEL, cond).shape == objective(x0, LEVEL, cond).shape == (6,)
    rows = cond.owner == 4
    made = cond.forms[2]
    torch.testing.assert_close(objective(x0, LEVEL, cond)[4], made.cost @ ((1 + x0[rows]) / 2))
    over = cond.blocks[1].violation(cond.blocks[1].down(torch.ones(sum(cond.blocks[1].sizes), 1)))
    assert over.shape[1] == 1


def test_the_level_decides_whether_the_descent_or_the_search_guides() -> None:
    cond = mixed()
    x = noise(cond)

    def ignorant(x: torch.Tensor, level: NoiseLevel, cond: ProblemBatch) -> torch.Tensor:
        return torch.tanh(x)

    descent = violation_descent(1.0, objective_weight=1.0, steps=5)(ignorant)(x, LEVEL, cond)
    search = rounding_projection(objective_weight=1.0, steps=300, patience=50)(ignorant)(x, LEVEL, cond)
    for round_below, expected in ((0.0, descent), (1.0, search)):
        both = guided(objective_weight=1.0, search_steps=300, round_below=round_below)
        assert torch.equal(both(ignorant)(x, LEVEL, cond), expected)
    assert not torch.equal(descent, search)
