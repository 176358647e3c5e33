"""Search near a sample finds a feasible solution where there is one, and the same whatever stands beside it."""

import numpy as np
import pytest
from drawn import BOUNDED, brute, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families.everyday import KINDS
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.propagation.rows import Rows
from becalm_programs.search.feasible import FeasibleSearch
from becalm_programs.search.jump.jumper import Jumper


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


def test_a_walk_of_jumps_keeps_rows_of_every_kind() -> None:
    """Integers beyond binary, a continuous variable, an equation, a row with two sides, one with none."""
    rows = [[3, 5, -2, 1.0], [1, 1, 1, 0], [0, 2, -3, -1], [1, 0, 0, 1]]
    program = from_arrays(
        [1, -1, 2, 1],
        rows,
        [7.5, 4, -np.inf, -np.inf],
        [7.5, 9, 3, np.inf],
        high=[6, 1, 9, 4],
        integer=[True, True, True, False],
    )
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    for seed in range(8):
        found = walker.walk(sample(program, seed)[0], np.zeros(4), seed, 2000)
        assert found is not None and verify(program, found[None]).feasible[0]


def test_a_walk_below_what_it_found_comes_to_the_optimum_of_a_small_program() -> None:
    program = KINDS["mixed signs"](0)
    _, best = brute(program)
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    found = walker.walk(*sample(program, 3), 3, 20_000, gap=1.0)
    assert found is not None and verify(program, found[None]).objective[0] == best


def test_the_same_seed_is_the_same_walk_and_another_is_another() -> None:
    program = KINDS["assignment"](0)
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    x, sure = sample(program, 0)
    one, two, other = (walker.walk(x, sure, seed, 5000) for seed in (1, 1, 2))
    assert one is not None and two is not None and other is not None
    assert np.array_equal(one, two) and not np.array_equal(one, other)
