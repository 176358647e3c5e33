"""Searches for a time: what is in the pool is verified and different, all of it is found, none invented."""

from collections.abc import Callable, Iterator
from itertools import count, product

import numpy as np
import pytest

from becalm.errors import UserError
from becalm_programs.anytime.open import open_search
from becalm_programs.anytime.pool import Pool
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.start import BY_NETWORK, FROM_SOLUTIONS, STARTS

COVER = generate("set-cover", "tiny", 0)
KNAPSACK = generate("knapsack", "tiny", 1)
QUICK = ("greedy", "renoise", "swap", "jump")
"""Starts that take no time, and have no solver's clock."""


def ticking(step: float = 0.02) -> Callable[[], float]:
    """A clock by which each look at it takes a step."""
    ticks: Iterator[int] = count()
    return lambda: step * next(ticks)


def search(program: Program, *, seconds: float = 2.0, start: tuple[str, ...] = QUICK, **wishes: object) -> Pool:
    options = SampleOptions.model_validate(
        {"seconds": seconds, "start": start, "checkpoint": "none", "device": "cpu", **wishes}
    )
    found = open_search(program, options, clock=ticking())
    for _ in found.run():
        pass
    return Pool.of(found)


def points(program: Program) -> Array:
    """All settings of integers within their bounds."""
    sides = [np.arange(low, high + 1) for low, high in zip(program.low, program.high, strict=True)]
    return np.array(list(product(*sides)))


def optima(program: Program, within: float) -> Array:
    """All feasible points within a share of the best, by brute force."""
    x = points(program)
    x = x[verify(program, x).feasible]
    value = objective(program, x) * (-1 if program.maximise else 1)
    return x[value <= value.min() + within * abs(value.min()) + 1e-9]


@pytest.mark.parametrize("program", [COVER, KNAPSACK], ids=["cover", "knapsack"])
def test_all_that_is_near_the_best_is_found_and_nothing_invented(program: Program) -> None:
    right = optima(program, 0.2)
    found = search(program, within=0.2, seconds=4.0)
    assert {tuple(x) for x in found.x} == {tuple(x) for x in right} and len(found) == len(right) > 2
    assert verify(program, found.x).feasible.all()
    assert (np.diff(found.objectives) * (-1 if program.maximise else 1) >= 0).all()


def test_as_many_as_are_wanted_end_the_search_and_are_all_near_the_best() -> None:
    right = optima(COVER, 0.2)
    found = search(COVER, seconds=100, within="20%", distinct=3)
    assert len(found) == 3 and found.seconds < 100
    assert {tuple(x) for x in found.x} <= {tuple(x) for x in right}


def test_the_time_is_kept_but_for_one_turn() -> None:
    for seconds in (0.05, 1.0):
        found = search(COVER, seconds=seconds)
        assert found.seconds <= seconds + 0.05 and found.moments[-1].seconds > seconds - 0.1


@pytest.mark.parametrize("start", [name for name in STARTS if name not in FROM_SOLUTIONS | BY_NETWORK])
def test_each_start_alone_gives_solutions_that_verify(start: str) -> None:
    found = search(COVER, start=(start,), seconds=0.2)
    assert len(found) and verify(COVER, found.x).feasible.all()
    assert [each.start for each in found.starts] == [start] and len(np.unique(found.x, axis=0)) == len(found)


def test_by_one_clock_a_seed_is_one_search_and_another_seed_another() -> None:
    program = generate("knapsack", "small", 0)
    start = ("greedy", "relaxation", "renoise", "swap", "dive", "jump")
    one, two, other = (search(program, start=start, seconds=0.6, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.x, two.x)
    assert one.moments == two.moments and not np.array_equal(one.x, other.x)


def test_solutions_that_differ_in_continuous_variables_alone_are_one_the_best() -> None:
    program = from_arrays([1, 2, 1.0], [[1, 1, 1]], [1.5], high=[1, 1, 4], integer=[True, True, False])
    found = search(program, seconds=0.6)
    assert len(found) == 4 and found.best == pytest.approx(1.5)
    rest = np.maximum(1.5 - found.x[:, :2].sum(axis=1), 0)
    np.testing.assert_allclose(found.x[:, 2], rest, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [([[4, 2], [2, 4]], [3, 3], [3, 3]), ([[1, 1, 0], [0, 1, 1], [1, 0, 1]], [1, 1, 1], [1, 1, 1])],
    ids=["rows show it", "a solver proves it"],
)
def test_a_program_without_solutions_ends_with_the_proof(rows: object, low: object, high: object) -> None:
    program = from_arrays(np.ones(np.shape(rows)[1]), rows, low, high)
    found = search(program, start=("greedy", "part"), seconds=10.0)
    assert len(found) == 0 and found.infeasible and found.best is None


def test_starts_that_cannot_work_are_refused() -> None:
    with pytest.raises(UserError, match="start renoise needs solutions of other starts"):
        search(COVER, start=("renoise",))
    for start in sorted(BY_NETWORK):
        with pytest.raises(UserError, match=f"start {start} needs a network, and there is none"):
            search(COVER, start=(start, "greedy"))


def test_starts_of_a_network_draw_by_it() -> None:
    program = generate("independent-set", "small", 0)
    found = search(program, checkpoint="independent-set", start=("greedy", *sorted(BY_NETWORK)), seconds=1.0)
    assert {each.start for each in found.starts} == {"greedy", *BY_NETWORK}
    assert verify(program, found.x).feasible.all() and all(each.feasible == each.drawn for each in found.starts)
