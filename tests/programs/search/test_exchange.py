"""1-opt over sets: what it does to a solution, and where it ends."""

from itertools import product

import numpy as np
import pytest
from drawn import brute
from oracles import exchange as oracle
from oracles import placement

from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.moves import exchange as moves
from becalm_programs.search.moves.exchange import Sets
from becalm_programs.search.moves.local import improve_each
from becalm_programs.search.structure.columns import Columns
from becalm_programs.search.structure.facility import recognise


def exchange(program: Program, x: Array) -> Array:
    """Solutions (K, n) after exchanges alone."""
    return improve_each(program, x, [moves.exchange(Columns.of(program))])


def feasible(program: Program, count: int) -> Array:
    """Solutions of a tiny program that are feasible, far from good ones among them."""
    choices = np.array(list(product((0.0, 1.0), repeat=len(program.cost))))
    found = choices[verify(program, choices).feasible]
    return found[np.random.default_rng(0).permutation(len(found))[:count]]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_solution_stays_feasible_and_none_gets_worse(seed: int) -> None:
    program = generate("facility", "tiny", seed)
    x = feasible(program, 25)
    made = exchange(program, x)
    assert verify(program, made).feasible.all()
    assert (objective(program, made) <= objective(program, x) + 1e-9).all()
    assert (objective(program, made) < objective(program, x) - 1e-9).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_ends_where_no_set_can_choose_better_and_the_best_is_the_optimum(seed: int) -> None:
    program = generate("facility", "tiny", seed)
    made, sets = exchange(program, feasible(program, 25)), Sets.of(program)
    for solution in made:
        for members in sets.members:
            for other in members:
                moved = solution.copy()
                moved[members] = 0.0
                moved[other] = 1.0
                better = objective(program, moved[None])[0] < objective(program, solution[None])[0] - 1e-6
                assert not (better and verify(program, moved[None]).feasible[0])
    best = brute(program)[1]
    assert objective(program, made).min() == pytest.approx(best)


def test_a_facility_that_no_one_needs_is_closed() -> None:
    program = generate("facility", "small", 0)
    x = greedy(program)
    gates = Sets.of(program).single
    x[:, gates] = 1.0
    made = exchange(program, x)
    assert made[0, gates].sum() < len(gates)
    used = made[0][: -len(gates)].reshape(-1, len(gates)).sum(axis=0) > 0
    assert (made[0, gates] == used).all()


def test_without_sets_and_without_feasibility_nothing_is_touched() -> None:
    cover = generate("set-cover", "tiny", 0)
    assert (exchange(cover, np.ones((2, len(cover.cost)))) == 1).all()
    program = generate("facility", "tiny", 0)
    assert (exchange(program, np.zeros((2, len(program.cost)))) == 0).all()


def test_each_solution_is_improved_for_itself() -> None:
    program = generate("facility", "tiny", 1)
    x = feasible(program, 12)
    alone = np.concatenate([exchange(program, each[None]) for each in x])
    np.testing.assert_array_equal(exchange(program, x), alone)


@pytest.mark.parametrize(("family", "size"), [("facility", "tiny"), ("facility", "small"), ("assignment", "small")])
def test_it_does_as_the_readable_exchange(family: str, size: str) -> None:
    program = generate(family, size, 2)
    rng = np.random.default_rng(1)
    x = greedy(program, 4, spread=1.0, generator=rng)
    assert len(x)
    np.testing.assert_array_equal(exchange(program, x), oracle.exchange(program, x))


def test_customers_are_placed_as_the_readable_placement_does() -> None:
    facility = recognise(generate("facility", "small", 0))
    assert facility is not None
    rng = np.random.default_rng(0)
    opened = rng.random((40, len(facility.gate))) < 0.4
    transport = facility.program.cost[facility.pair]
    np.testing.assert_array_equal(facility._place(opened, transport), placement.place(facility, opened, transport))


def test_a_variable_that_must_be_one_is_not_closed() -> None:
    # x0 + x1 = 1; x2 is dear, needed by no row, and fixed at 1.
    program = from_arrays(np.array([2.0, 1, 9]), np.array([[1.0, 1, 0]]), [1.0], [1.0], low=np.array([0.0, 0, 1]))
    np.testing.assert_array_equal(exchange(program, np.array([[1.0, 0, 1]])), [[0.0, 1, 1]])
