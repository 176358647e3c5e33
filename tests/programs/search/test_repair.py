"""Compiled flips end where the readable ones do."""

import numpy as np
import pytest
from drawn import programs, random
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import repair as oracle

from becalm_programs.families import FAMILIES, generate
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.moves.flips import Flips
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.moves.repair import repair
from becalm_programs.search.structure.columns import Columns

STEPS = 60


def alike(program: Program, x: Array) -> None:
    """Repair of points (K, n) is the oracle's where that ends feasible, and else no more violated."""
    columns = Columns.of(program)
    for point, repaired in zip(x, repair(columns, x, steps=STEPS), strict=True):
        if verify(program, point[None]).feasible[0]:
            continue
        expected = oracle.flip_until_feasible(Flips(columns, point), STEPS)
        if verify(program, expected[None]).feasible[0]:
            assert np.array_equal(repaired, expected)
        else:
            states = Flips(columns, repaired), Flips(columns, expected)
            missed, least = ((state.violation * state.scale).sum() for state in states)
            assert missed == pytest.approx(least, abs=1e-9)


@given(programs(whole=True, kinds=("binary", "fixed")), st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_points_of_any_program_are_repaired_as_by_the_oracle(program: Program, seed: int) -> None:
    draw = random(seed).integers(0, 2, (3, len(program.cost))).astype(float)
    alike(program, np.clip(draw, program.low, program.high))


@pytest.mark.parametrize("family", FAMILIES)
def test_points_of_families_are_repaired_as_by_the_oracle(family: str) -> None:
    program = generate(family, "tiny", 0)
    alike(program, random().integers(0, 2, (4, len(program.cost))).astype(float))


@pytest.mark.parametrize("family", ["set-cover", "assignment", "knapsack"])
def test_greedy_covers_as_the_oracle_does(family: str) -> None:
    program = generate(family, "small", 0)
    columns, zero = Columns.of(program), np.zeros(len(program.cost))
    covered = oracle.cover(columns, zero, program.cost, 200 + len(zero))
    gain = np.abs(program.cost) / np.sqrt(np.maximum(columns.degree, 1))
    assert np.array_equal(greedy(program)[0], oneopt(columns, covered[None], priority=gain[None])[0])
