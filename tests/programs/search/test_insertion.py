"""1-opt over packings: which programs are, what an insertion does to a solution, and where it ends."""

import numpy as np
import pytest
from drawn import brute, points, random
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import insertion as oracle

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.moves import insertion as moves
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns
from becalm_programs.search.structure.packing import Packing, recognise

INF = np.inf


@st.composite
def packings(draw: st.DrawFn) -> Program:
    """Rows that say at most one, written in all the ways there are, among rows that cannot be broken."""
    size = draw(st.integers(2, 8))
    rows, low, high = [], [], []
    for _ in range(draw(st.integers(1, 6))):
        members = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4, unique=True))
        # All between 3/5 and 1 of what there is room for.
        weights = draw(st.lists(st.integers(3, 5), min_size=len(members), max_size=len(members)))
        row = np.zeros(size)
        row[members] = weights
        kind = draw(st.sampled_from(["most", "least", "loose", "free"]))
        rows.append(-row if kind == "least" else row)
        low.append(-5.0 if kind == "least" else -INF)
        high.append({"most": 5.0, "least": INF, "loose": row.sum(), "free": INF}[kind])
    cost = draw(st.lists(st.integers(-9, 2), min_size=size, max_size=size))
    bound = draw(st.lists(st.sampled_from([1.0, 1.0, 1.0, 0.0]), min_size=size, max_size=size))
    return from_arrays(np.array(cost, float), np.array(rows), low, high, high=np.array(bound))


def insertion(program: Program, x: Array, *, tries: int = 20_000) -> Array:
    """Solutions (K, n) after insertions alone."""
    return improve_each(program, x, [moves.insertion(Columns.of(program), tries=tries)])


def known(program: Program) -> Packing:
    packing = recognise(program)
    assert packing is not None
    return packing


@given(packings())
@settings(deadline=None, max_examples=60)
def test_a_packing_is_feasible_just_where_no_two_that_exclude_each_other_are_one(program: Program) -> None:
    packing, every = known(program), points(program)
    clash = np.zeros(len(every), dtype=bool)
    for variable in range(len(program.cost)):
        excluded = oracle.around(packing, variable)
        assert variable not in excluded
        clash |= (every[:, variable] == 1) & (every[:, excluded] == 1).any(axis=1)
    clash |= (every[:, np.isneginf(packing.gain)] == 1).any(axis=1)
    np.testing.assert_array_equal(verify(program, every).feasible, ~clash)


def test_which_families_are_packings() -> None:
    found = {family for family in FAMILIES if recognise(generate(family, "tiny", 0)) is not None}
    assert found == {"auction", "independent-set"}


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [
        ([[1, 1, 1]], [1.0], [1.0]),  # Exactly one.
        ([[1, 1, 1]], [-INF], [2.0]),  # At most two.
        ([[1, -1, 0]], [-INF], [0.0]),  # One only with another.
        ([[1, 1, 2]], [-INF], [2.0]),  # Two of three fit together.
        ([[1, 1, 3]], [-INF], [1.5]),  # One does not fit at all.
        ([[1, 1, 1]], [1.0], [INF]),  # At least one.
    ],
)
def test_what_is_no_packing(rows: list[list[float]], low: list[float], high: list[float]) -> None:
    assert recognise(from_arrays(-np.ones(3), np.array(rows, float), low, high)) is None


def test_only_binary_variables_that_may_be_zero_pack() -> None:
    rows, sides = np.ones((1, 2)), ([-INF], [1.0])
    assert recognise(from_arrays(-np.ones(2), rows, *sides)) is not None
    assert recognise(from_arrays(-np.ones(2), rows, *sides, integer=False)) is None
    assert recognise(from_arrays(-np.ones(2), rows, *sides, low=np.array([1.0, 0.0]))) is None


@given(packings(), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_it_stays_feasible_gets_no_worse_and_ends_where_no_swap_pays(program: Program, seed: int) -> None:
    every = points(program)
    x = random(seed).permutation(every[verify(program, every).feasible])[:8]
    made = insertion(program, x)
    assert verify(program, made).feasible.all()
    assert (program.cost @ made.T <= program.cost @ x.T).all()
    packing = known(program)
    for solution in made:
        for variable in np.flatnonzero(solution == 0):
            excluded = oracle.around(packing, int(variable))
            assert packing.gain[variable] <= packing.gain[excluded[solution[excluded] == 1]].sum() + 1e-9
    np.testing.assert_array_equal(made, np.concatenate([insertion(program, each[None]) for each in x]))


@given(packings(), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_it_does_as_the_readable_insertion(program: Program, seed: int) -> None:
    every = points(program)
    x = random(seed).permutation(every[verify(program, every).feasible])[:4]
    for tries in (1, 20_000):
        np.testing.assert_array_equal(insertion(program, x, tries=tries), oracle.insertion(program, x, tries=tries))


@pytest.mark.parametrize("family", ["auction", "independent-set"])
def test_it_does_so_on_a_larger_packing(family: str) -> None:
    program = generate(family, "small", 0)
    x = np.concatenate([np.zeros((1, len(program.cost))), greedy(program, 2, generator=random())])
    np.testing.assert_array_equal(insertion(program, x), oracle.insertion(program, x))


def test_one_leaf_of_a_star_goes_in_at_a_loss_and_the_others_follow() -> None:
    # The centre gains 3, each of three leaves 2: no single swap pays, all three leaves do.
    rows = np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]])
    star = from_arrays(np.array([-3.0, -2, -2, -2]), rows, [-INF] * 3, [1.0] * 3)
    centre = np.array([[1.0, 0, 0, 0]])
    np.testing.assert_array_equal(insertion(star, centre), [[0.0, 1, 1, 1]])
    np.testing.assert_array_equal(insertion(star, centre, tries=0), centre)


@pytest.mark.parametrize("family", ["auction", "independent-set"])
def test_from_any_solution_of_a_small_program_the_best_found_is_the_optimum(family: str) -> None:
    for seed in range(3):
        program = generate(family, "tiny", seed)
        every = points(program)
        x = random(seed).permutation(every[verify(program, every).feasible])[:20]
        sense = -1.0 if program.maximise else 1.0
        assert (sense * objective(program, insertion(program, x))).min() == pytest.approx(sense * brute(program)[1])


def test_variables_in_another_order_give_the_same_solutions() -> None:
    program = generate("auction", "small", 0)
    order = random(1).permutation(len(program.cost))
    shuffled = from_arrays(program.cost[order], program.rows[:, order], program.row_low, program.row_high)
    x = np.zeros((1, len(order)))
    np.testing.assert_allclose(insertion(shuffled, x) @ shuffled.cost, insertion(program, x) @ program.cost)


def test_what_is_infeasible_or_no_packing_comes_back_as_it_is() -> None:
    auction, cover = generate("auction", "tiny", 0), generate("set-cover", "tiny", 0)
    for program in (auction, cover):
        ones = np.ones((2, len(program.cost)))
        np.testing.assert_array_equal(insertion(program, ones), ones)
    with pytest.raises(ValueError, match="shape"):
        insertion(auction, np.ones((2, 3)))
