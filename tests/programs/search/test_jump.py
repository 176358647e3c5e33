"""Jump moves lead from any point to one that keeps rows of every kind, and on below its objective."""

import numpy as np
from drawn import brute

from becalm_programs.families.everyday import KINDS
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.propagation.rows import Rows
from becalm_programs.search.jump.jumper import Jumper


def start(program: Program, seed: int) -> Array:
    return np.rint(np.random.default_rng(seed).uniform(program.low, program.high))


def test_a_walk_of_jumps_keeps_rows_of_every_kind() -> None:
    """Integers beyond binary, a continuous variable, an equation, a row with two sides, one with none."""
    rows = [[3, 5, -2, 1.0], [1, 1, 1, 0], [0, 2, -3, -1], [1, 0, 0, 1]]
    program = from_arrays(
        [1, -1, 2, 1],
        rows,
        [7.5, 4, -np.inf, -np.inf],
        [7.5, 9, 3, np.inf],
        high=[6, 1, 9, 4],
        integer=[True, True, True, False],
    )
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    for seed in range(8):
        found = walker.walk(start(program, seed), np.zeros(4), seed, 2000)
        assert found is not None and verify(program, found[None]).feasible[0]


def test_a_walk_below_what_it_found_comes_to_the_optimum_of_a_small_program() -> None:
    program = KINDS["mixed signs"](0)
    _, best = brute(program)
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    found = walker.walk(start(program, 3), np.zeros(14), 3, 20_000, gap=1.0)
    assert found is not None and verify(program, found[None]).objective[0] == best


def test_the_same_seed_is_the_same_walk_and_another_is_another() -> None:
    program = KINDS["assignment"](0)
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    x, sure = start(program, 0), np.zeros(125)
    one, two, other = (walker.walk(x, sure, seed, 5000) for seed in (1, 1, 2))
    assert one is not None and two is not None and other is not None
    assert np.array_equal(one, two) and not np.array_equal(one, other)
