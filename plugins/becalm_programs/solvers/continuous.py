"""The continuous variables of a solution, the best for its integers by a linear program."""

import math
from dataclasses import replace

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify, whole
from becalm_programs.solvers import highs
from becalm_programs.solvers.part import part
from becalm_programs.solvers.solver import OPTIMAL


def solve_continuous(program: Program, x: Array, seconds: float = math.inf) -> Array | None:
    """x (n,) with its integer variables as they are and the continuous ones the best for them; None if there are none
    that verify.
    """
    free = ~program.integer
    completed = x.copy()
    if free.any():
        left = part(program, x, free)
        model = highs.load(left)
        # Ten times finer than what verification forgives is not enough when a row has many terms.
        model.setOptionValue("primal_feasibility_tolerance", 1e-9)
        highs.run(model, seconds)
        if highs.status(model, has_solution=False) != OPTIMAL:
            return None
        completed[left.free] = np.clip(model.getSolution().col_value, left.low, left.high)
    return completed if verify(program, completed[None]).feasible[0] else None


def relax_rest(program: Program, low: Array, high: Array) -> Array | None:
    """An optimal vertex (n,) of the relaxation within other bounds (n,); None if there is none."""
    free = low < high
    x = low.copy()
    if free.any():
        left = part(program, low, free)
        model = highs.load(replace(left, low=low[left.free], high=high[left.free]), relaxed=True)
        highs.run(model, math.inf)
        if highs.status(model, has_solution=False) != OPTIMAL:
            return None
        x[left.free] = np.clip(model.getSolution().col_value, low[left.free], high[left.free])
    return x


def mend(program: Program, x: Array) -> Array | None:
    """A solver's x (n,) made whole and verified; where that fails and there are continuous variables, they are solved
    for anew. None if it does not verify.
    """
    rounded = whole(program, x[None])
    if not verify(program, rounded).feasible[0]:
        # Solvers may miss a bound by their tolerance.
        rounded = np.clip(rounded, program.low, program.high)
    if verify(program, rounded).feasible[0]:
        return np.asarray(rounded[0])
    return None if program.integer.all() else solve_continuous(program, rounded[0])
