"""Bounds that rows imply lose no solution, and make programs samplable that state none."""

import numpy as np
import pytest
from drawn import INF, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.bounds import standard_form, with_implied_bounds
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify


@settings(max_examples=60, deadline=None)
@given(program=programs(whole=True), seed=st.integers(0, 99))
def test_no_feasible_point_is_lost_and_stated_bounds_stay(program: Program, seed: int) -> None:
    tight = with_implied_bounds(program)
    for old, new in ((program.low, tight.low), (program.high, tight.high)):
        assert np.array_equal(new[np.isfinite(old)], old[np.isfinite(old)])
    points = np.random.default_rng(seed).integers(-12, 13, (400, len(program.cost))).astype(float)
    points = np.clip(points, program.low, program.high)
    kept = verify(program, points).feasible
    assert verify(tight, points).feasible[kept].all()


def test_chains_of_rows_bound_what_hangs_on_them() -> None:
    """x <= 5, y <= 2 x, z >= -y, whose lower bounds are 0, 0 and none."""
    program = from_arrays(
        [1, 1, 1],
        [[1, 0, 0], [-2, 1, 0], [0, 1, 1]],
        [-INF, -INF, 0],
        [5, 0, 30],
        low=[0, 0, -INF],
        high=INF,
        integer=[True, False, False],
    )
    tight = with_implied_bounds(program)
    np.testing.assert_allclose(tight.high, [5, 10, 30], rtol=1e-4)
    np.testing.assert_allclose(tight.low, [0, 0, -10], rtol=1e-4)
    made = standard_form(program)
    assert made.program is program and made.encoding.size == 5


def test_what_no_row_bounds_is_still_refused() -> None:
    with pytest.raises(UserError, match="'x1' has no finite bounds"):
        standard_form(from_arrays([1, 1], [[1, -1]], row_high=[3], low=0, high=[2, INF], integer=[True, False]))


def test_rows_that_contradict_each_other_are_no_error_of_the_bounds() -> None:
    program = from_arrays([1, 1], [[1, 1], [0, 1]], [-INF, 5], [1, INF], low=0, high=[1, INF])
    assert not verify(program, np.array([[0.0, 5.0], [0.0, 1.0]])).feasible.any()
    standard_form(program)
