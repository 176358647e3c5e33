"""Steps of single variables: 1-opt never makes a point worse, and repair leaves what is feasible."""

import numpy as np
import pytest
from drawn import BOUNDED, brute, programs, random
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, activity
from becalm_programs.problem.verify import verify
from becalm_programs.search.moves.flips import Flips
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.moves.repair import repair
from becalm_programs.search.structure.columns import Columns, row_violation


def drawn(program: Program, count: int, seed: int) -> Array:
    """Random integer points within the bounds."""
    return (
        random(seed)
        .integers(program.low.astype(int), program.high.astype(int) + 1, size=(count, len(program.cost)))
        .astype(np.float64)
    )


def improvable(program: Program, x: Array) -> bool:
    """Whether one step of one variable betters a feasible x, by brute force."""
    for variable in np.flatnonzero(program.integer & (program.cost != 0)):
        other = x.copy()
        other[variable] -= np.sign(program.cost[variable])
        if verify(program, other[None]).feasible[0]:
            return True
    return False


@given(programs(whole=True, kinds=BOUNDED), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_oneopt_never_worsens_and_breaks_no_row(program: Program, seed: int) -> None:
    x = drawn(program, 6, seed)
    made = oneopt(Columns.of(program), x)
    assert (program.cost @ made.T <= program.cost @ x.T).all()
    before, after = (row_violation(program.row_low, program.row_high, activity(program, each)) for each in (x, made))
    assert (after <= np.maximum(before, 1e-6)).all()
    assert (verify(program, made).feasible >= verify(program, x).feasible).all()


@given(programs(whole=True, kinds=BOUNDED), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_nothing_is_left_to_improve_after_oneopt(program: Program, seed: int) -> None:
    x = oneopt(Columns.of(program), drawn(program, 4, seed))
    assert not any(improvable(program, each) for each in x[verify(program, x).feasible])


@given(programs(kinds=BOUNDED), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_oneopt_of_a_batch_is_that_of_each_alone(program: Program, seed: int) -> None:
    x = drawn(program, 5, seed)
    assert np.array_equal(
        oneopt(Columns.of(program), x), np.concatenate([oneopt(Columns.of(program), each[None]) for each in x])
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_oneopt_of_a_batch_is_that_of_each_alone_on_every_family(family: str) -> None:
    program = generate(family, "small", 0)
    x = drawn(program, 4, 0)
    x[0], x[1] = 0.0, 1.0
    assert np.array_equal(
        oneopt(Columns.of(program), x), np.concatenate([oneopt(Columns.of(program), each[None]) for each in x])
    )


def test_oneopt_leaves_continuous_variables_alone_and_takes_long_steps() -> None:
    program = from_arrays(
        [1.0, -1.0, 0.5],
        [[1, 1, 1]],
        row_low=[3],
        row_high=[10],
        low=[0, 0, 0],
        high=[100, 100, 100],
        integer=[True, True, False],
    )
    assert oneopt(Columns.of(program), np.array([[4.0, 0.0, 1.5]])).tolist() == [[0.0, 8.0, 1.5]]


def test_an_order_of_ones_own_decides_what_moves_first() -> None:
    program = from_arrays([5.0, 1.0], [[1, 1]], row_low=[1], high=[1, 1])
    x = np.ones((2, 2))
    assert oneopt(Columns.of(program), x, priority=np.array([[2.0, 1.0], [1.0, 2.0]])).tolist() == [
        [0.0, 1.0],
        [1.0, 0.0],
    ]


@given(programs(whole=True, kinds=("binary",)), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_flips_know_what_they_would_do(program: Program, seed: int) -> None:
    state = Flips(Columns.of(program), drawn(program, 1, seed)[0])

    def total(x: Array) -> float:
        missed = row_violation(program.row_low, program.row_high, activity(program, x[None])[0])
        return float((missed * state.weight * state.scale).sum())

    for variable in random(seed).integers(0, len(program.cost), size=6):
        state.press(state.broken())
        other = state.x.copy()
        other[variable] = 1 - other[variable]
        expected = total(other) - total(state.x) if program.low[variable] < program.high[variable] else 0.0
        assert state.change[variable] == pytest.approx(expected, abs=1e-6)
        state.flip(int(variable))


@given(programs(whole=True, kinds=("binary", "fixed")), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_repair_leaves_what_is_feasible_as_it_is(program: Program, seed: int) -> None:
    x = drawn(program, 4, seed)
    repaired = repair(Columns.of(program), x, steps=200)
    before, after = verify(program, x).feasible, verify(program, repaired).feasible
    assert np.array_equal(repaired[before], x[before]) and (after | ~before).all()
    if brute(program)[1] is None:
        assert not after.any()


@pytest.mark.parametrize("family", ["set-cover", "auction", "independent-set", "knapsack", "assignment"])
def test_repair_mends_random_points(family: str) -> None:
    program = generate(family, "small", 0)
    assert verify(program, repair(Columns.of(program), drawn(program, 4, 0))).feasible.all()
