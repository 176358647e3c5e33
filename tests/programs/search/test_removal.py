"""1-opt over coverings: which programs are, what a removal does to a solution, and where it ends."""

import numpy as np
import pytest
from drawn import brute, points, random
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import removal as oracle

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.moves import removal as moves
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns
from becalm_programs.search.structure.covering import Covering, recognise

INF = np.inf


@st.composite
def coverings(draw: st.DrawFn) -> Program:
    """Rows that say at least one, written in all the ways there are, among rows that cannot be broken."""
    size = draw(st.integers(2, 8))
    rows, low, high = [np.ones(size)], [1.0], [INF]
    for _ in range(draw(st.integers(1, 6))):
        row = np.zeros(size)
        members = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4, unique=True))
        row[members] = draw(st.lists(st.integers(2, 5), min_size=len(members), max_size=len(members)))
        kind = draw(st.sampled_from(["least", "most", "loose", "free"]))
        rows.append(-row if kind == "most" else row)
        low.append({"least": 2.0, "most": -INF, "loose": 0.0, "free": -INF}[kind])
        high.append(-2.0 if kind == "most" else INF)
    cost = draw(st.lists(st.integers(-2, 9), min_size=size, max_size=size))
    bounds = draw(st.lists(st.sampled_from([(0, 1), (0, 1), (0, 1), (0, 0), (1, 1)]), min_size=size, max_size=size))
    least, most = np.array(bounds, float).T
    return from_arrays(np.array(cost, float), np.array(rows), low, high, low=least, high=most)


def removal(program: Program, x: Array, *, tries: int = 20_000) -> Array:
    """Solutions (K, n) after removals alone."""
    return improve_each(program, x, [moves.removal(Columns.of(program), tries=tries)])


def known(program: Program) -> Covering:
    covering = recognise(program)
    assert covering is not None
    return covering


@given(coverings())
@settings(deadline=None, max_examples=60)
def test_a_point_is_feasible_just_where_every_row_that_needs_one_has_one(program: Program) -> None:
    covering, every = known(program), points(program)
    bare = np.zeros(len(every), dtype=bool)
    for row in np.flatnonzero(covering.needs):
        bare |= ~(every[:, oracle.members(covering, np.array([row]))] == 1).any(axis=1)
    np.testing.assert_array_equal(verify(program, every).feasible, ~bare)


def test_which_families_are_coverings() -> None:
    found = {family for family in FAMILIES if recognise(generate(family, "tiny", 0)) is not None}
    assert found == {"set-cover"}


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ([1, 1, 1], 1.0, 1.0),  # Exactly one.
        ([1, 1, 1], 2.0, INF),  # At least two.
        ([1, -1, 0], 0.0, INF),  # One only with another.
        ([1, 1, 1], 1.0, 2.0),  # One or two.
        ([1, 1, 1], -INF, 1.0),  # At most one.
        ([1, 1, 1], -INF, INF),  # Nothing at all.
    ],
)
def test_what_is_no_covering(row: list[float], low: float, high: float) -> None:
    assert recognise(from_arrays(np.ones(3), np.array([row], float), [low], [high])) is None


@given(coverings(), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_it_stays_feasible_gets_no_worse_and_each_is_improved_for_itself(program: Program, seed: int) -> None:
    every = points(program)
    x = random(seed).permutation(every[verify(program, every).feasible])[:8]
    made = removal(program, x)
    assert verify(program, made).feasible.all()
    assert (program.cost @ made.T <= program.cost @ x.T + 1e-9).all()
    np.testing.assert_array_equal(made, np.concatenate([removal(program, each[None]) for each in x] or [x]))


@given(coverings(), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_at_its_end_nothing_that_costs_is_needless(program: Program, seed: int) -> None:
    every = points(program)
    x = random(seed).permutation(every[verify(program, every).feasible])[:8]
    for solution in removal(program, x):
        for variable in np.flatnonzero((solution == 1) & (program.low == 0) & (program.cost > 0)):
            less = solution.copy()
            less[variable] = 0.0
            assert not verify(program, less[None]).feasible[0]


@given(coverings(), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_it_does_as_the_readable_removal(program: Program, seed: int) -> None:
    every = points(program)
    x = random(seed).permutation(every[verify(program, every).feasible])[:4]
    for tries in (2, 20_000):
        np.testing.assert_array_equal(removal(program, x, tries=tries), oracle.removal(program, x, tries=tries))


def test_it_does_so_on_a_larger_cover() -> None:
    program = generate("set-cover", "small", 0)
    x = greedy(program, 4, spread=2.0, generator=random())
    np.testing.assert_array_equal(removal(program, x), oracle.removal(program, x))


def test_many_take_the_place_of_one_and_one_that_of_many() -> None:
    rows = np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]])
    dear = from_arrays(np.array([4.0, 1, 1, 1]), rows, [1.0] * 3)
    np.testing.assert_array_equal(removal(dear, np.array([[1.0, 0, 0, 0]])), [[0.0, 1, 1, 1]])
    cheap = from_arrays(np.array([2.0, 1, 1, 1]), rows, [1.0] * 3)
    leaves = np.array([[0.0, 1, 1, 1]])
    np.testing.assert_array_equal(removal(cheap, leaves), [[1.0, 0, 0, 0]])
    np.testing.assert_array_equal(removal(cheap, leaves, tries=0), leaves)


def test_from_any_cover_of_a_small_program_the_best_found_is_the_optimum() -> None:
    for seed in range(3):
        program = generate("set-cover", "tiny", seed)
        every = points(program)
        x = random(seed).permutation(every[verify(program, every).feasible])[:20]
        assert objective(program, removal(program, x)).min() == pytest.approx(brute(program)[1])


def test_what_is_infeasible_or_no_covering_comes_back_as_it_is() -> None:
    cover, auction = generate("set-cover", "tiny", 0), generate("auction", "tiny", 0)
    for program in (cover, auction):
        nothing = np.zeros((2, len(program.cost)))
        np.testing.assert_array_equal(removal(program, nothing), nothing)
    with pytest.raises(ValueError, match="shape"):
        removal(cover, np.ones((2, 3)))
