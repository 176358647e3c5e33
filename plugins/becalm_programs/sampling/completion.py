"""Tier completion: a solver finds continuous variables, and the least sure variables of what is infeasible.

A solver that is given the whole program at last may also prove that there is nothing to be found.
"""

import time

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.sampling.samples import Samples

_SURE = (0.9, 0.7, 0.4)
"""Shares of the variables that a solver is not to touch, tried in turn."""


def complete_samples(samples: Samples, seconds: float) -> Samples:
    """The samples with continuous variables as they should be, and what is infeasible given to a solver.

    Args:
        seconds: Wall-clock for all of them, shared evenly among what needs it.
    """
    program, deadline = samples.form.program, time.perf_counter() + seconds
    if not program.integer.all():
        each = zip(samples.x, samples.verdict.feasible, strict=True)
        samples = samples.become(np.stack([_finish_continuous(program, x, good, deadline) for x, good in each]))
    x, wrong, proof = samples.x.copy(), samples.wrong, ""
    for done, sample in enumerate(wrong):
        share = (deadline - time.perf_counter()) / (len(wrong) - done)
        x[sample], proof = _hand_over(program, x[sample], samples.sureness(sample), share)
        if proof:
            break
    return samples.become(x, proof)


def _finish_continuous(program: Program, x: Array, feasible: bool, deadline: float) -> Array:
    """x (n,) with the best continuous variables for its integers; as it was where there are none, or no better."""
    from becalm_programs.solvers.continuous import solve_continuous

    left = deadline - time.perf_counter()
    finished = solve_continuous(program, x, left) if left > 0 else None
    if finished is None:
        return x
    return x if feasible and program.cost @ x <= program.cost @ finished else finished


def _hand_over(program: Program, x: Array, sure: Array, seconds: float) -> tuple[Array, str]:
    """x (n,) as a solver completes it, from its surest variables on; as it was if none finds anything in time.

    Also who proves that there is nothing to find, if somebody does.
    """
    from becalm_programs.solvers.complete import complete

    deadline = time.perf_counter() + seconds
    order = np.argsort(-sure, kind="stable")
    for tried, share in enumerate(_SURE):
        left = (deadline - time.perf_counter()) / (len(_SURE) + 1 - tried)
        if left <= 0:
            return x, ""
        fixed = np.zeros(len(x), dtype=bool)
        fixed[order[: int(share * len(x))]] = True
        result = complete(program, x, fixed & program.integer, seconds=left)
        if result.x is not None:
            return result.x, ""
    return _suggest(program, x, order, deadline - time.perf_counter())


def _suggest(program: Program, x: Array, order: np.ndarray, seconds: float) -> tuple[Array, str]:
    """The whole program to a solver, with the surer half of the integers as a start that it may leave: SCIP completes
    it where it is installed, else HiGHS.
    """
    from becalm_programs.solvers import solve
    from becalm_programs.solvers.registry import find, installed
    from becalm_programs.solvers.solver import INFEASIBLE

    if seconds <= 0:
        return x, ""
    start = np.full(len(x), np.nan)
    kept = order[: len(x) // 2]
    kept = kept[program.integer[kept]]
    start[kept] = x[kept]
    solver = "scip" if installed("scip") else "highs"
    result = solve(program, solver, seconds=seconds, start=start)
    if result.status == INFEASIBLE:
        return x, f"{find(solver).title} proves it"
    return (x if result.x is None else result.x), ""
