"""PuLP problems as programs, and values back into them."""

from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.read import need
from becalm_programs.problem.program import Program, solutions
from becalm_programs.problem.verify import Verdict, verify


def from_pulp(problem: Any) -> Program:
    """The program of a ``pulp.LpProblem``; variables in the problem's order.

    Raises:
        UserError: If pulp is not installed, this is no such problem, it has special ordered sets, no variables, or its
            numbers make no program.
    """
    need("pulp", "reading a PuLP problem")
    import pulp

    if not isinstance(problem, pulp.LpProblem):
        raise UserError(f"a PuLP problem must be a pulp.LpProblem, got {type(problem).__name__}")
    if problem.sos1 or problem.sos2:
        raise UserError(f"PuLP problem {problem.name!r} has special ordered sets: only linear rows are read")
    variables = problem.variables()
    if not variables:
        raise UserError(f"PuLP problem {problem.name!r} has no variables")
    # By identity: two variables may have one name, which from_arrays then refuses.
    place = {id(variable): index for index, variable in enumerate(variables)}
    cost = np.zeros(len(variables))
    offset = 0.0
    if problem.objective is not None:
        offset = float(problem.objective.constant)
        for variable, value in problem.objective.items():
            cost[place[id(variable)]] += value
    constraints = _constraints(problem)
    rows, low, high = _rows(constraints, place)
    return from_arrays(
        cost,
        rows,
        low,
        high,
        low=[-np.inf if variable.lowBound is None else variable.lowBound for variable in variables],
        high=[np.inf if variable.upBound is None else variable.upBound for variable in variables],
        integer=np.array([variable.cat == pulp.LpInteger for variable in variables]),
        names=[variable.name for variable in variables],
        row_names=_row_names(constraints),
        offset=offset,
        maximise=problem.sense == pulp.LpMaximize,
        name=problem.name or "",
    )


def to_pulp(problem: Any, program: Program, x: npt.ArrayLike) -> Verdict:
    """Sets the problem's variables to a solution.

    The problem's ``sol_status`` says "feasible" only if verification does; ``status`` stays "not solved", as nothing
    is proved.

    Args:
        program: What ``from_pulp`` made of the problem.
        x: (n,) one solution.

    Raises:
        ValueError: If x has another shape.
        UserError: If the problem has other variables.
    """
    import pulp

    if tuple(variable.name for variable in problem.variables()) != program.names:
        raise UserError(f"PuLP problem {problem.name!r} must have the variables of the program that was sampled")
    values = solutions(program, np.asarray(x, dtype=np.float64)[None])
    verdict = verify(program, values)
    for variable, value in zip(problem.variables(), values[0].tolist(), strict=True):
        variable.varValue = value
    status = pulp.LpSolutionIntegerFeasible if verdict.feasible[0] else pulp.LpSolutionNoSolutionFound
    problem.assignStatus(pulp.LpStatusNotSolved, status)
    return verdict


def _constraints(problem: Any) -> list[Any]:
    """The constraints in order; a method since PuLP 3.3.2, a dictionary before."""
    constraints = problem.constraints
    return list(constraints() if callable(constraints) else constraints.values())


def _row_names(constraints: list[Any]) -> list[str]:
    """Their names; those without are ``_C1``, ``_C2``, ... as PuLP calls them."""
    given = {constraint.name for constraint in constraints}
    fresh = (name for name in (f"_C{number}" for number in count(1)) if name not in given)
    return [constraint.name or next(fresh) for constraint in constraints]


def _rows(
    constraints: list[Any], place: dict[int, int]
) -> tuple[Any, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The matrix and the bounds of its rows."""
    from scipy import sparse

    size = len(constraints)
    low, high = np.full(size, -np.inf), np.full(size, np.inf)
    values: list[float] = []
    at: tuple[list[int], list[int]] = ([], [])
    for row, constraint in enumerate(constraints):
        for variable, value in constraint.items():
            values.append(value)
            at[0].append(row)
            at[1].append(place[id(variable)])
        bound = 0.0 - constraint.constant
        # PuLP's senses: -1 at most, 0 equal, 1 at least.
        if constraint.sense >= 0:
            low[row] = bound
        if constraint.sense <= 0:
            high[row] = bound
    return sparse.csr_array((values, at), shape=(size, len(place)), dtype=np.float64), low, high
