"""A pool keeps what verifies, is new and is near enough to the best, best first; of many it gives what differs most."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families import generate
from becalm_programs.problem.verify import verify
from becalm_programs.search.solution_pool import SolutionPool

PROGRAM = generate("set-cover", "tiny", 0)
SIZE = len(PROGRAM.cost)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), within=st.sampled_from([None, 0.0, 0.1, 0.5]), parts=st.integers(1, 5))
def test_a_pool_is_what_brute_force_keeps_in_whatever_parts_it_comes(
    seed: int, within: float | None, parts: int
) -> None:
    x = (np.random.default_rng(seed).random((60, SIZE)) < 0.5).astype(float)
    pool = SolutionPool(PROGRAM, within)
    added = [pool.add(part) for part in np.array_split(x, parts)]
    good = np.unique(x[verify(PROGRAM, x).feasible], axis=0)
    value = good @ PROGRAM.cost
    limit = np.inf if within is None or not len(good) else value.min() * (1 + within) + 1e-9
    assert {tuple(each) for each in pool.all()} == {tuple(each) for each in good[value <= limit]}
    assert (np.diff(pool.all() @ PROGRAM.cost) >= 0).all()
    assert sum(each.feasible for each in added) == verify(PROGRAM, x).feasible.sum()


def test_solutions_that_are_known_are_counted_and_the_gain_is_a_share() -> None:
    pool = SolutionPool(PROGRAM)
    everything = np.ones((1, SIZE))
    assert pool.add(everything) == (1, 1, 0, 1, 0.0)
    assert pool.add(everything) == (1, 1, 1, 0, 0.0)
    assert pool.add(np.zeros((1, SIZE))) == (1, 0, 0, 0, 0.0)
    less = next(x for x in 1 - np.eye(SIZE) if verify(PROGRAM, x[None]).feasible[0] and PROGRAM.cost @ x < pool.best)
    gain = (pool.best - PROGRAM.cost @ less) / pool.best
    assert pool.add(less[None]).gain == gain and pool.best == PROGRAM.cost @ less


def test_no_more_are_kept_than_there_is_room_for_the_best() -> None:
    x = (np.random.default_rng(0).random((200, SIZE)) < 0.6).astype(float)
    all_of_them, few = SolutionPool(PROGRAM), SolutionPool(PROGRAM, most=5)
    all_of_them.add(x)
    for part in np.array_split(x, 20):
        few.add(part)
    assert len(few) == 5 < len(all_of_them)
    np.testing.assert_array_equal(few.all() @ PROGRAM.cost, all_of_them.all()[:5] @ PROGRAM.cost)


def test_of_many_the_best_is_chosen_and_then_what_is_farthest_off() -> None:
    x = (np.random.default_rng(0).random((200, SIZE)) < 0.7).astype(float)
    pool = SolutionPool(PROGRAM)
    pool.add(x)
    chosen = pool.choose(3)
    np.testing.assert_array_equal(chosen[0], pool.member(0))
    distance = (pool.all() != pool.member(0)).sum(axis=1).max()
    assert max((each != chosen[0]).sum() for each in chosen) == distance
