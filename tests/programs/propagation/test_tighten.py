"""Propagation loses no solution, comes to the bounds that rows imply, and what it calls infeasible is."""

import numpy as np
import pytest
from drawn import BOUNDED, brute, permuted, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program
from becalm_programs.propagation.rows import reachable
from becalm_programs.propagation.tighten import tighten


@settings(max_examples=60, deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED))
def test_every_solution_lies_within_the_bounds_and_nothing_feasible_is_called_infeasible(program: Program) -> None:
    solutions, _ = brute(program)
    tight = tighten(program)
    assert (tight.low >= program.low).all() and (tight.high <= program.high).all()
    if tight.broken:
        assert tight.broken in program.row_names and not len(solutions)
    assert ((solutions >= tight.low) & (solutions <= tight.high)).all()


@settings(max_examples=30, deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_the_order_of_variables_and_rows_does_not_matter(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    tight, other = tighten(program), tighten(permuted(program, columns, rows))
    assert bool(tight.broken) == bool(other.broken)
    if not tight.broken:
        assert np.array_equal(tight.low[columns], other.low) and np.array_equal(tight.high[columns], other.high)


def test_a_chain_of_rows_is_followed_to_its_end() -> None:
    """x0 = 3 and x_(i + 1) = x_i + 1 fix everything."""
    steps = np.eye(6, k=1)[:5] - np.eye(6)[:5]
    rows, side = np.vstack([np.eye(6)[:1], steps]), np.array([3.0, 1, 1, 1, 1, 1])
    tight = tighten(from_arrays(np.ones(6), rows, side, side, high=20))
    assert tight.low.tolist() == tight.high.tolist() == [3, 4, 5, 6, 7, 8]


def test_continuous_bounds_come_to_the_limit_of_what_rows_imply() -> None:
    """x <= y / 2 and y <= x / 2 leave 0 alone, which no finite number of steps reaches exactly."""
    program = from_arrays([1, 1], [[1, -0.5], [-0.5, 1]], row_high=[0, 0], high=100, integer=False)
    tight = tighten(program)
    assert not tight.broken and (tight.high < 1e-3).all()


def test_bounds_without_end_are_found_where_one_variable_of_a_row_is_open() -> None:
    program = from_arrays([1, 1], [[1, 1], [0, 1]], row_low=[2, 0], row_high=[5, 1], low=-np.inf, high=np.inf)
    tight = tighten(program)
    assert tight.low.tolist() == [1, 0] and tight.high.tolist() == [5, 1]


@pytest.mark.parametrize(
    ("rows", "side", "row"),
    [
        ([[4, 2], [2, 4]], [3, 3], "r0"),  # No even number is 3.
        ([[1, 1], [1, -1]], [2, 1], "r1"),  # x = y = 1, of which the difference is 0.
        ([[6, 9]], [4], "r0"),  # No multiple of 3 is 4.
    ],
)
def test_rows_that_contradict_are_named(rows: list[list[int]], side: list[int], row: str) -> None:
    assert tighten(from_arrays([1, 0], rows, side, side, high=1 if len(rows) > 1 else 50)).broken == row


def test_sides_of_rows_over_integers_are_multiples_of_the_common_divisor() -> None:
    program = from_arrays([0, 0, 0], [[4, 6, 0], [3, 0, 1], [2, 2, 0.5]], [3, -4, 1], [9, 5, 3])
    low, high = reachable(program)
    assert (low.tolist(), high.tolist()) == ([4, -4, 1], [8, 5, 3])


def test_a_row_that_is_missed_by_no_more_than_verification_forgives_is_not_broken() -> None:
    assert not tighten(from_arrays([1], [[1]], row_low=1 + 9e-7)).broken
    assert tighten(from_arrays([1], [[1]], row_low=1 + 2e-6)).broken == "r0"
