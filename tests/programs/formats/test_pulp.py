"""A PuLP problem becomes the same program, and solutions go back into it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pulp
import pytest
from drawn import INF, brute, programs
from hypothesis import given, settings

from becalm import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.pulp import from_pulp, to_pulp
from becalm_programs.problem.program import Program, objective

pytestmark = pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")


def problem_of(program: Program) -> tuple[Any, list[Any]]:
    """The program as a PuLP problem, and its variables in order."""
    problem = pulp.LpProblem("drawn", pulp.LpMaximize if program.maximise else pulp.LpMinimize)
    variables = [
        pulp.LpVariable(
            f"v{index}",
            None if np.isinf(low) else low,
            None if np.isinf(high) else high,
            cat="Integer" if integer else "Continuous",
        )
        for index, (low, high, integer) in enumerate(zip(program.low, program.high, program.integer, strict=True))
    ]
    sign = -1 if program.maximise else 1
    problem += pulp.lpDot((sign * program.cost).tolist(), variables) + sign * program.offset
    for row, low, high in zip(program.rows.toarray(), program.row_low, program.row_high, strict=True):
        if not row.any():
            continue
        total = pulp.lpDot(row.tolist(), variables)
        if low == high:
            problem += total == low
        elif np.isfinite(high):
            problem += total <= high
        elif np.isfinite(low):
            problem += total >= low
    return problem, variables


@settings(max_examples=12, deadline=None)
@given(programs(whole=True, kinds=("binary", "integer", "fixed")))
def test_brute_force_on_a_pulp_problem_finds_what_cbc_finds(drawn: Program) -> None:
    # PuLP gives no value to a variable without a cost that stands in no row.
    problem, _ = problem_of(replace(drawn, cost=np.where(drawn.cost == 0, 1.0, drawn.cost)))
    program = from_pulp(problem)
    x, value = brute(program)
    status = problem.solve(pulp.PULP_CBC_CMD(msg=False, threads=1))
    assert (status == pulp.LpStatusOptimal) == (value is not None)
    if value is None:
        return
    assert problem.objective.value() == pytest.approx(value, abs=1e-6)
    found = np.array([[round(variable.value()) for variable in problem.variables()]], dtype=np.float64)
    assert objective(program, found)[0] == value
    assert any((row == found[0]).all() for row in x)


def toy() -> Any:
    problem = pulp.LpProblem("toy", pulp.LpMaximize)
    a, b, c = pulp.LpVariable("a", cat="Binary"), pulp.LpVariable("b", 0, 5, "Integer"), pulp.LpVariable("c")
    problem += a + 2 * b - c + 3
    problem += a + b <= 4.5, "most"
    problem += c >= a - 1, "least"
    problem += c == b - 2, "exact"
    return problem


def test_a_pulp_problem_keeps_its_sense_names_and_constants() -> None:
    program = from_pulp(toy())
    assert (program.maximise, program.name, program.names) == (True, "toy", ("a", "b", "c"))
    rows = dict(zip(program.row_names, zip(program.row_low, program.row_high, strict=True), strict=True))
    assert rows == {"most": (-INF, 4.5), "least": (-1, INF), "exact": (-2, -2)}
    assert program.low.tolist() == [0, 0, -INF] and program.high.tolist() == [1, 5, INF]
    assert objective(program, [[1, 3, 1]]).tolist() == [9.0]


def test_rows_without_a_name_have_the_names_that_pulp_gives_them() -> None:
    problem = toy()
    problem += pulp.LpVariable("d", 0) >= 1
    problem += pulp.lpSum(problem.variables()) <= 30
    assert from_pulp(problem).row_names == ("most", "least", "exact", "_C1", "_C2") == tuple(problem.constraints)


def test_values_go_back_into_the_pulp_problem_and_only_feasible_ones_are_called_so() -> None:
    problem = toy()
    program = from_pulp(problem)
    verdict = to_pulp(problem, program, [1, 3, 1])
    assert verdict.feasible.tolist() == [True]
    assert (pulp.value(problem.objective), problem.sol_status) == (9.0, pulp.LpSolutionIntegerFeasible)
    assert all(constraint.valid() for constraint in problem.constraints())
    assert not to_pulp(problem, program, [1, 3, 2]).feasible[0]
    assert problem.sol_status == pulp.LpSolutionNoSolutionFound


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda problem: problem.sos1.update({"s": {}}), "special ordered sets"),
        (lambda problem: problem.objective.update({problem.variables()[0]: float("nan")}), "cost must be finite"),
    ],
)
def test_a_pulp_problem_that_is_no_program_is_one_sentence(change: Callable[[Any], None], says: str) -> None:
    problem = toy()
    change(problem)
    with pytest.raises(UserError, match=says):
        from_pulp(problem)


def test_what_is_no_pulp_problem_is_one_sentence() -> None:
    for thing, says in [("toy", "must be a pulp.LpProblem, got str"), (pulp.LpProblem("empty"), "has no variables")]:
        with pytest.raises(UserError, match=says):
            from_pulp(thing)
    with pytest.raises(UserError, match="must have the variables of the program"):
        to_pulp(toy(), from_arrays([1.0], [[1.0]]), [1])
