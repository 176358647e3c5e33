"""The searches keep what is feasible, never make it worse, and say so when they fail."""

import numpy as np
import pytest
from drawn import brute, points, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.program import Array, Program, activity, objective
from becalm_programs.search.columns import Columns, excess
from becalm_programs.search.facility import recognise
from becalm_programs.search.flips import Flips
from becalm_programs.search.greedy import greedy
from becalm_programs.search.lns import Limit, Search, near
from becalm_programs.search.neighbourhood import NEIGHBOURHOODS, Scene
from becalm_programs.search.oneopt import oneopt
from becalm_programs.search.pool import Pool, gather
from becalm_programs.search.repair import repair
from becalm_programs.search.round import rounded
from becalm_programs.solvers import solve
from becalm_programs.solvers.complete import relax
from becalm_programs.verify import verify

BOUNDED = ("binary", "integer", "fixed")
SOLVED = ("set-cover", "auction", "facility", "independent-set", "knapsack")


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(program: Program, count: int, seed: int) -> Array:
    """Random integer points within the bounds."""
    return (
        random(seed)
        .integers(program.low.astype(int), program.high.astype(int) + 1, size=(count, len(program.cost)))
        .astype(np.float64)
    )


def behind(program: Program, x: Array) -> float:
    """By what share the best of x is worse than what HiGHS finds in a moment; negative if it is better."""
    best = solve(program, "highs", seconds=0.5).objective
    found = objective(program, x)
    return float((best - found.max() if program.maximise else found.min() - best) / abs(best))


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
    made = oneopt(program, x)
    assert (program.cost @ made.T <= program.cost @ x.T).all()
    before, after = (excess(program.row_low, program.row_high, activity(program, each)) for each in (x, made))
    assert (after <= np.maximum(before, 1e-6)).all()
    assert (verify(program, made).feasible >= verify(program, x).feasible).all()


@given(programs(whole=True, kinds=BOUNDED), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_nothing_is_left_to_improve_after_oneopt(program: Program, seed: int) -> None:
    x = oneopt(program, drawn(program, 4, seed))
    assert not any(improvable(program, each) for each in x[verify(program, x).feasible])


@given(programs(kinds=BOUNDED), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_oneopt_of_a_batch_is_that_of_each_alone(program: Program, seed: int) -> None:
    x = drawn(program, 5, seed)
    assert np.array_equal(oneopt(program, x), np.concatenate([oneopt(program, each[None]) for each in x]))


@pytest.mark.parametrize("family", FAMILIES)
def test_oneopt_of_a_batch_is_that_of_each_alone_on_every_family(family: str) -> None:
    program = generate(family, "small", 0)
    x = drawn(program, 4, 0)
    x[0], x[1] = 0.0, 1.0
    assert np.array_equal(oneopt(program, x), np.concatenate([oneopt(program, each[None]) for each in x]))


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
    assert oneopt(program, np.array([[4.0, 0.0, 1.5]])).tolist() == [[0.0, 8.0, 1.5]]


def test_an_order_of_ones_own_decides_what_moves_first() -> None:
    program = from_arrays([5.0, 1.0], [[1, 1]], row_low=[1], high=[1, 1])
    x = np.ones((2, 2))
    assert oneopt(program, x, priority=np.array([[2.0, 1.0], [1.0, 2.0]])).tolist() == [[0.0, 1.0], [1.0, 0.0]]


@given(programs(whole=True, kinds=("binary",)), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_flips_know_what_they_would_do(program: Program, seed: int) -> None:
    state = Flips(Columns.of(program), drawn(program, 1, seed)[0])

    def total(x: Array) -> float:
        missed = excess(program.row_low, program.row_high, activity(program, x[None])[0])
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
def test_repair_is_feasible_or_says_that_it_is_not(program: Program, seed: int) -> None:
    x = drawn(program, 4, seed)
    found = repair(program, x, steps=200)
    verdict = verify(program, found.x)
    assert np.array_equal(found.feasible, verdict.feasible)
    already = verify(program, x).feasible
    assert np.array_equal(found.x[already], x[already]) and (found.flips[already] == 0).all()
    if brute(program)[1] is None:
        assert not found.feasible.any()


@pytest.mark.parametrize("family", ["set-cover", "auction", "independent-set", "knapsack", "assignment"])
def test_repair_mends_random_points(family: str) -> None:
    program = generate(family, "small", 0)
    assert repair(program, drawn(program, 4, 0)).feasible.all()


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
    x = rounded(program, np.array([0.3, 1.0, 2.75, 0.4]), 4000, random())
    assert x[0].tolist() == [0.0, 1.0, 3.0, 0.4]
    assert x.mean(axis=0) == pytest.approx([0.3, 1.0, 2.75, 0.4], abs=0.03)


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
    made = search.improve(start, Limit(steps=15), found=lambda x: values.append(float(program.cost @ x)))
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
    pool = Pool(program, gap=0.2)
    everything = points(program)[:64]
    for x in everything:
        pool.add(x)
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
