"""Search near a sample finds a feasible solution where there is one, and the same whatever stands beside it."""

import numpy as np
import pytest
from drawn import BOUNDED, behind, brute, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families.everyday import KINDS
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.feasible import FeasibleSearch


def sample(program: Program, seed: int) -> tuple[Array, Array]:
    """A point within the bounds that knows nothing of the rows, and how sure it is."""
    random = np.random.default_rng(seed)
    x = random.uniform(program.low, program.high)
    return np.where(program.integer, np.rint(x), x), random.uniform(size=len(x))


@settings(max_examples=25, deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_a_solution_is_found_of_every_tiny_program_that_has_one(program: Program, seed: int) -> None:
    points, _ = brute(program)
    found = FeasibleSearch(program).solution(*sample(program, seed))
    assert (found is not None) == (len(points) > 0)
    assert found is None or verify(program, found[None]).feasible[0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mixed signs"])
def test_programs_of_kinds_that_people_have_are_solved_from_points_that_know_nothing(kind: str) -> None:
    program = KINDS[kind](0)
    search = FeasibleSearch(program)
    found = [search.solution(*sample(program, seed)) for seed in range(3)]
    solutions = np.stack([each for each in found if each is not None])
    assert len(solutions) == 3 and verify(program, solutions).feasible.all()


@pytest.mark.parametrize("seed", range(4))
def test_small_rows_of_mixed_signs_are_kept_where_any_point_keeps_them(seed: int) -> None:
    program = KINDS["mixed signs"](seed)
    points, _ = brute(program)
    found = FeasibleSearch(program).solution(*sample(program, seed))
    assert (found is not None) == (len(points) > 0)


def test_a_feasible_sample_is_its_own_nearest_solution() -> None:
    program = KINDS["assignment"](0)
    search = FeasibleSearch(program)
    first = search.solution(*sample(program, 0))
    assert first is not None
    again = search.solution(first, np.ones(len(first)))
    assert again is not None and np.array_equal(first, again)


@pytest.mark.parametrize("kind", KINDS)
def test_descent_keeps_rows_and_never_costs_more(kind: str) -> None:
    program = KINDS[kind](1)
    search = FeasibleSearch(program)
    found = search.solution(*sample(program, 1))
    assert found is not None
    better = search.better(found)
    assert verify(program, better[None]).feasible[0]
    assert program.cost @ better <= program.cost @ found
    assert np.array_equal(better, search.better(found))


def test_descent_comes_near_the_optimum_of_small_programs() -> None:
    for kind in ("assignment", "lot sizing", "job shop"):
        program = KINDS[kind](0)
        search = FeasibleSearch(program)
        x = search.solution(*sample(program, 0))
        assert x is not None
        for seed in range(8):
            x = search.descent.better(x, seed, 40)
        assert behind(program, x[None]) < 0.05
