"""What a solver does to a program or a solution that is not whole yet: relax it, or complete it."""

import math
from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program, in_original_sense, numbered, objective
from becalm_programs.problem.verify import verify
from becalm_programs.solvers import highs
from becalm_programs.solvers.driver import solve
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.part import part
from becalm_programs.solvers.result import Result
from becalm_programs.solvers.solver import NOTHING, OPTIMAL, Claim


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """The linear program that is left without integrality.

    Attributes:
        x: (n,) an optimal vertex; None if there is none.
        reduced_cost: (n,) at x, of the minimisation; None without x.
        objective: Of x in the original's sense: no solution is better; nan without x.
        status: As of ``Result``.
    """

    x: Array | None
    reduced_cost: Array | None
    objective: float
    status: str


def relax(program: Program, seconds: float = math.inf) -> Relaxation:
    """Solves the linear relaxation."""
    model = highs.load(program, relaxed=True)
    highs.run(model, seconds)
    status = highs.status(model, has_solution=False)
    if status != OPTIMAL:
        return Relaxation(None, None, math.nan, status)
    solution = model.getSolution()
    x = np.array(solution.col_value, dtype=np.float64)
    value = in_original_sense(program, float(program.cost @ x))
    return Relaxation(x, np.array(solution.col_dual, dtype=np.float64), value, status)


def complete(
    program: Program,
    x: Array,
    fixed: Mask,
    *,
    seconds: float = 10.0,
    solver: str = "highs",
    threads: int = 1,
) -> Result:
    """Lets a solver find the variables that are not fixed; those fixed stay exactly as in x.

    To hand over x as a suggestion that the solver may leave, give ``solve`` a start with nan where x is open.

    Args:
        x: (n,) values of the fixed variables; the rest is not looked at.
        fixed: (n,) which variables stay.

    Returns:
        What comes of what is left. Its bound holds for the fixed variables, and so does ``infeasible``.

    Raises:
        UserError: If the solver is unknown or not installed.
        ValueError: If a shape is wrong.
    """
    for name, given in (("x", x), ("fixed", fixed)):
        if given.shape != program.cost.shape:
            raise ValueError(f"{name} must have shape {program.cost.shape}, got {given.shape}")
    free = ~fixed
    if not free.any():
        return _as_is(program, x)
    held = np.where(free, 0.0, x)
    left = part(program, held, free)
    smaller = Program(
        **{name: getattr(left, name) for name in ("cost", "rows", "row_low", "row_high", "low", "high", "integer")},
        names=tuple(program.names[index] for index in left.free),
        row_names=numbered("r", len(left.row_low)),
        offset=program.offset + float(program.cost @ held),
        maximise=program.maximise,
    )
    result = solve(smaller, solver, seconds=seconds, threads=threads)
    if result.x is None:
        return result
    completed = held.copy()
    completed[left.free] = result.x
    if not verify(program, completed[None]).feasible[0]:
        # A row among fixed variables alone is broken, or the fixed values are not whole or out of bounds.
        return Result(None, math.nan, result.bound, NOTHING, result.seconds)
    value = float(objective(program, completed[None])[0])
    return Result(completed, value, result.bound, result.status, result.seconds, result.trajectory)


def _as_is(program: Program, x: Array) -> Result:
    feasible = bool(verify(program, x[None]).feasible[0])
    claim = Claim(x if feasible else None, float(program.cost @ x), OPTIMAL if feasible else NOTHING)
    return Result.of(IncumbentLog(program), claim)
