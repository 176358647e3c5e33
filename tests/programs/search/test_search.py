"""Large neighbourhood search never makes a solution worse, ends at its limit, and fills a pool that verifies."""

import numpy as np
import pytest
from drawn import BOUNDED, behind, brute, points, programs, random
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.large.lns import Limit, Search, near
from becalm_programs.search.large.neighbourhood import NEIGHBOURHOODS, Scene
from becalm_programs.search.large.pool import gather
from becalm_programs.search.solution_pool import SolutionPool
from becalm_programs.search.structure.columns import Columns
from becalm_programs.solvers import solve
from becalm_programs.solvers.complete import relax


@pytest.mark.parametrize("kind", NEIGHBOURHOODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_neighbourhood_frees_something_even_where_there_is_little(kind: str, family: str) -> None:
    program = generate(family, "small", 0)
    columns = Columns.of(program)
    x = np.zeros(len(program.cost))
    x[::3] = 1.0
    for others in (np.zeros((0, len(x))), 1 - x[None]):
        for nearness in (None, np.linspace(0, 1, len(x))):
            free = NEIGHBOURHOODS[kind](Scene(columns, x, others, nearness, random()), 20)
            assert free.shape == x.shape and free.sum() >= 20
    empty = from_arrays([1.0, 1.0], np.zeros((1, 2)), high=1.0, integer=True)
    assert NEIGHBOURHOODS[kind](Scene(Columns.of(empty), np.zeros(2), np.zeros((0, 2)), None, random()), 2).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_large_neighbourhood_search_never_worsens_and_nears_the_optimum(family: str) -> None:
    # Small knapsacks take HiGHS long.
    program = generate(family, "tiny" if family == "knapsack" else "small", 0)
    columns = Columns.of(program)
    start = greedy(columns, 1)[0]
    search = Search(columns, random(), near(columns, start, 10.0), part_nodes=1, part_seconds=60.0)
    values = [float(program.cost @ start)]
    made = search.improve(start, Limit(steps=15), on_incumbent=lambda x: values.append(float(program.cost @ x)))
    assert values == sorted(values, reverse=True) and float(program.cost @ made) <= values[-1]
    assert verify(program, made[None]).feasible[0]
    assert behind(program, made[None]) <= 0.2


def test_large_neighbourhood_search_follows_the_cost_it_is_given() -> None:
    program = generate("set-cover", "small", 0)
    columns = Columns.of(program)
    start = greedy(columns, 1)[0]
    cost = program.cost[::-1].copy()
    made = Search(columns, random()).improve(start, Limit(steps=6), cost=cost)
    assert cost @ made < cost @ start and verify(program, made[None]).feasible[0]


def test_a_limit_ends_by_whichever_comes_first() -> None:
    limit = Limit(seconds=1e-9)
    assert limit.over and limit.spent == 1.0
    limit = Limit(steps=4)
    assert not limit.over and limit.left == np.inf
    limit.done = 3
    assert limit.spent == 0.75 and not limit.over
    limit.done = 4
    assert limit.over


@given(programs(whole=True, kinds=BOUNDED), st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_a_pool_holds_verified_different_solutions_within_the_gap(program: Program, count: int) -> None:
    pool = SolutionPool(program, 0.2)
    everything = points(program)[:64]
    for x in everything:
        pool.add(x[None])
    feasible = everything[verify(program, everything).feasible]
    x = pool.choose(count)
    assert len(x) == 0 if not len(feasible) else 1 <= len(x) <= count
    if len(x):
        values = program.cost @ x.T + program.offset
        best = (program.cost @ feasible.T + program.offset).min()
        assert values[0] == best and (values <= best + 0.2 * abs(best) + 1e-6).all()
        assert len(np.unique(x, axis=0)) == len(x) and verify(program, x).feasible.all()


@pytest.mark.parametrize("family", FAMILIES)
def test_gathering_by_steps_is_a_function_of_the_seed(family: str) -> None:
    program = generate(family, "tiny", 0)
    one, other = (gather(program, 4, limit=Limit(steps=8), generator=random(5)) for _ in range(2))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert len(one[0]) and verify(program, one[0]).feasible.all()
    assert one[1][0] == pytest.approx(solve(program, "highs", seconds=5).objective)


def test_gathering_finds_a_first_solution_where_greedy_finds_none() -> None:
    # Equations over integers that no flip of a binary variable can mend.
    program = from_arrays([1.0, 1.0, 1.0], [[3, 5, 0], [0, 1, 1]], [19, 4], [19, 4], high=9.0, integer=True)
    assert not len(greedy(program, 1))
    x, value = gather(program, 4, limit=Limit(steps=4), generator=random())
    assert value[0] == brute(program)[1] and verify(program, x).feasible.all()


def test_gathering_from_the_infeasible_gives_nothing() -> None:
    program = from_arrays([1.0, 1.0], [[1, 1]], row_low=[3], high=[1, 1])
    x, value = gather(program, 4, limit=Limit(seconds=1), generator=random())
    assert x.shape == (0, 2) and value.shape == (0,)


def test_the_relaxation_holds_firmly_what_is_where_it_wants_it() -> None:
    program = from_arrays([1.0, 9.0], [[1, 1]], row_low=[1], high=[1, 1])
    assert relax(program).objective == pytest.approx(1.0)
    firm = near(Columns.of(program), np.array([0.0, 1.0]), 5.0)
    assert firm is not None and firm.tolist() == [0.0, 0.0]
    firm = near(Columns.of(program), np.array([1.0, 0.0]), 5.0)
    assert firm is not None and firm[1] == 1.0
