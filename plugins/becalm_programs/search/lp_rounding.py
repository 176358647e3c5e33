"""Rounding the linear relaxation: the plain baseline."""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.structure.columns import Columns


def rounded(program: Program | Columns, relaxed: Array, count: int, generator: np.random.Generator) -> Array:
    """Randomised roundings (K, n) of a relaxed solution, not feasible in general (Raghavan and Thompson 1987).

    An integer variable goes up with the chance of its fraction; the first is rounded to the nearest instead.
    Continuous variables stay.

    Args:
        relaxed: (n,) solution of the linear relaxation, see ``becalm_programs.solvers.complete.relax``.
        count: K.
    """
    program = program.program if isinstance(program, Columns) else program
    floor = np.floor(relaxed + 1e-9)
    chance = generator.random((count, len(relaxed)))
    chance[:1] = 0.5
    up = chance < np.maximum(relaxed - floor, 0.0)
    whole = np.clip(floor + up, program.low, program.high) + 0.0
    return np.where(program.integer, whole, relaxed)
