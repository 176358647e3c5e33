"""Rounding the linear relaxation: the plain baseline."""

import numpy as np

from becalm_programs.problem.program import Array, Program


def randomised_rounding(program: Program, lp_value: Array, count: int, generator: np.random.Generator) -> Array:
    """Randomised roundings (K, n) of a relaxed solution, not feasible in general (Raghavan and Thompson 1987).

    An integer variable goes up with the chance of its fraction; the first is rounded to the nearest instead.
    Continuous variables stay.

    Args:
        lp_value: (n,) solution of the linear relaxation, see ``becalm_programs.solvers.complete.relax``.
        count: K.
    """
    floor = np.floor(lp_value + 1e-9)
    chance = generator.random((count, len(lp_value)))
    chance[:1] = 0.5
    up = chance < np.maximum(lp_value - floor, 0.0)
    whole = np.clip(floor + up, program.low, program.high) + 0.0
    return np.where(program.integer, whole, lp_value)
