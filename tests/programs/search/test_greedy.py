"""First solutions, from nothing or from fractions: greedy ones verify, differ and are good; rounding is fair."""

import numpy as np
import pytest
from drawn import BOUNDED, behind, programs, random
from hypothesis import given, settings

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.lp_rounding import randomised_rounding
from becalm_programs.search.structure.facility import recognise

SOLVED = ("set-cover", "auction", "facility", "independent-set", "knapsack")


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_solutions_verify_and_differ(family: str) -> None:
    program = generate(family, "small", 0)
    x = greedy(program, 6, generator=random())
    assert verify(program, x).feasible.all() and len(np.unique(x, axis=0)) >= 3
    again = greedy(program, 6, generator=random())
    assert np.array_equal(x, again)


@pytest.mark.parametrize("family", SOLVED)
def test_greedy_is_within_a_quarter_of_the_optimum(family: str) -> None:
    program = generate(family, "small", 1)
    assert behind(program, greedy(program, 4, generator=random())) <= 0.25


@given(programs(whole=True, kinds=BOUNDED))
@settings(deadline=None, max_examples=30)
def test_greedy_gives_only_what_verifies(program: Program) -> None:
    assert verify(program, greedy(program, 2, generator=random())).feasible.all()


def test_greedy_finishes_continuous_variables() -> None:
    plan = generate("facility", "small", 0)
    loose = from_arrays(
        plan.cost, plan.rows, plan.row_low, plan.row_high, integer=plan.cost >= np.sort(plan.cost)[-10], high=1.0
    )
    x = greedy(loose, 1)
    assert len(x) == 1 and verify(loose, x).feasible.all()
    assert objective(loose, x)[0] <= objective(plan, greedy(plan, 1))[0] + 1e-6


def test_facilities_are_recognised_by_their_rows_and_nothing_else_is() -> None:
    plan = generate("facility", "small", 0)
    shuffled = random().permutation(len(plan.row_low))
    order = random(1).permutation(len(plan.cost))
    # Rows written the other way about, in another order, of at least 1.
    other = from_arrays(
        plan.cost[order],
        -plan.rows[shuffled][:, order],
        -plan.row_high[shuffled],
        -plan.row_low[shuffled],
        high=1.0,
        integer=True,
    )
    for program in (plan, other):
        found = recognise(program)
        assert found is not None and found.pair.shape == (20, 10)
        assert verify(program, found.solve(program.cost)[None]).feasible.all()
    for family in FAMILIES:
        assert family == "facility" or recognise(generate(family, "small", 0)) is None


def test_rounding_goes_up_as_often_as_the_fraction_says() -> None:
    program = from_arrays([1.0, 1.0, 1.0, 1.0], [[1, 1, 1, 1]], high=[1, 1, 5, 5], integer=[True, True, True, False])
    x = randomised_rounding(program, np.array([0.3, 1.0, 2.75, 0.4]), 4000, random())
    assert x[0].tolist() == [0.0, 1.0, 3.0, 0.4]
    assert x.mean(axis=0) == pytest.approx([0.3, 1.0, 2.75, 0.4], abs=0.03)
