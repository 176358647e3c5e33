"""Every solver finds the optimum, keeps its word on starts and limits, and hands on nothing that does not verify."""

import math
import time

import numpy as np
import pytest
from drawn import BOUNDED, brute, programs
from hypothesis import given, settings

from becalm.errors import UserError
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, activity, objective
from becalm_programs.problem.verify import verify
from becalm_programs.solvers import SOLVERS, Result, solve
from becalm_programs.solvers.complete import complete, relax
from becalm_programs.solvers.continuous import solve_continuous
from becalm_programs.solvers.part import part


@pytest.fixture(params=SOLVERS)
def solver(request: pytest.FixtureRequest) -> str:
    package = {"highs": "highspy", "cbc": "pulp", "scip": "pyscipopt"}[request.param]
    pytest.importorskip(package)
    return str(request.param)


def mixed() -> Program:
    """Continuous flow behind binary gates: the optimum is 2 * 3 + 4 * 2 + fixed 5 + 1, by hand."""
    return from_arrays(
        [2.0, 4.0, 5.0, 1.0],
        [[1, 1, 0, 0], [1, 0, -3, 0], [0, 1, 0, -3]],
        row_low=[5, -np.inf, -np.inf],
        row_high=[np.inf, 0, 0],
        low=[0, 0, 0, 0],
        high=[np.inf, np.inf, 1, 1],
        integer=[False, False, True, True],
    )


def better(program: Program, one: float, other: float) -> bool:
    return one > other if program.maximise else one < other


def check(program: Program, run: Result) -> None:
    """What holds of any run."""
    assert (run.x is None) == math.isnan(run.objective)
    times = [seconds for seconds, _ in run.trajectory]
    values = [value for _, value in run.trajectory]
    assert times == sorted(times) and all(moment >= 0 for moment in times)
    assert all(better(program, after, before) for before, after in zip(values, values[1:], strict=False))
    if run.x is not None:
        assert verify(program, run.x[None]).feasible[0]
        assert run.objective == objective(program, run.x[None])[0]
        assert run.trajectory and run.trajectory[-1][1] == pytest.approx(run.objective, abs=1e-6)


@pytest.mark.parametrize("family", ["set-cover", "auction", "facility", "independent-set", "assignment", "knapsack"])
def test_the_optimum_is_that_of_brute_force_or_of_the_other_solvers(solver: str, family: str) -> None:
    program = generate(family, "tiny", 3)
    run = solve(program, solver, seconds=20)
    check(program, run)
    assert run.status == "optimal"
    best = brute(program)[1] if len(program.cost) <= 16 else solve(program, "highs", seconds=20).objective
    assert run.objective == pytest.approx(best)
    assert run.bound == pytest.approx(run.objective, abs=1e-4)


@settings(deadline=None, max_examples=12)
@given(program=programs(whole=True, kinds=BOUNDED))
@pytest.mark.parametrize("name", SOLVERS)
def test_random_programs_come_out_as_by_brute_force(name: str, program: Program) -> None:
    pytest.importorskip({"highs": "highspy", "cbc": "pulp", "scip": "pyscipopt"}[name])
    best = brute(program)[1]
    run = solve(program, name, seconds=20)
    check(program, run)
    if best is None:
        assert run.x is None and run.status == "infeasible"
    else:
        assert run.status == "optimal" and run.objective == pytest.approx(best)


def test_continuous_variables_are_as_precise_as_verification_asks(solver: str) -> None:
    run = solve(mixed(), solver, seconds=20)
    check(mixed(), run)
    assert run.objective == pytest.approx(20.0, abs=1e-6)


def test_an_optimal_start_is_handed_back_in_almost_no_time(solver: str) -> None:
    program = generate("set-cover", "small", 0)
    best = solve(program, solver, seconds=20)
    assert best.x is not None
    again = solve(program, solver, seconds=0.1, start=best.x)
    check(program, again)
    assert again.objective == best.objective


def test_a_partial_start_is_completed(solver: str) -> None:
    program = generate("set-cover", "small", 1)
    best = solve(program, solver, seconds=20)
    assert best.x is not None
    start = np.where(np.arange(len(best.x)) % 2 == 0, best.x, np.nan)
    run = solve(program, solver, seconds=20, start=start)
    check(program, run)
    assert run.objective == best.objective


def test_the_limit_is_kept_within_a_generous_slack(solver: str) -> None:
    program = generate("set-cover", "paper", 0)
    begun = time.perf_counter()
    run = solve(program, solver, seconds=0.5)
    assert time.perf_counter() - begun < 10 and run.status != "optimal"
    check(program, run)


def test_infeasible_and_unbounded_programs_are_called_so(solver: str) -> None:
    impossible = from_arrays([1.0, 1.0], [[1, 1]], row_low=[3], high=[1, 1])
    assert solve(impossible, solver, seconds=5).status == "infeasible"
    endless = from_arrays([-1.0], [[1]], row_low=[0], low=[0], high=[np.inf])
    assert solve(endless, solver, seconds=5).status in ("unbounded", "infeasible")


def test_completion_keeps_what_is_fixed_and_finds_the_rest(solver: str) -> None:
    program = generate("set-cover", "tiny", 0)
    points, _ = brute(program)
    x, fixed = points[len(points) // 2], np.arange(len(program.cost)) < 3
    run = complete(program, np.where(fixed, x, np.nan), fixed, seconds=20, solver=solver)
    assert run.x is not None and (run.x[fixed] == x[fixed]).all()
    check(program, run)
    rest = points[(points[:, fixed] == x[fixed]).all(axis=1)]
    assert run.objective == pytest.approx(objective(program, rest).min())


def test_completion_of_the_impossible_says_so() -> None:
    program = from_arrays([1.0, 1.0, 1.0], [[1, 1, 0]], row_low=[1], high=[1, 1, 1])
    for fixed in ([True, True, False], [True, True, True]):
        run = complete(program, np.zeros(3), np.array(fixed), seconds=5)
        assert run.x is None and run.status != "optimal"


def test_completion_of_what_is_complete_gives_it_back() -> None:
    program = mixed()
    x = np.array([3.0, 2.0, 1.0, 1.0])
    run = complete(program, x, np.ones(4, dtype=bool), seconds=5)
    assert run.x is not None and np.array_equal(run.x, x) and run.objective == 20.0


@given(program=programs(whole=True, kinds=BOUNDED))
@settings(deadline=None, max_examples=25)
def test_the_relaxation_is_never_worse_than_the_optimum(program: Program) -> None:
    best = brute(program)[1]
    relaxed = relax(program)
    if best is not None:
        assert relaxed.status == "optimal"
        assert not better(program, best, relaxed.objective + (1e-6 if program.maximise else -1e-6))


def test_finishing_gives_the_best_continuous_part_or_nothing() -> None:
    program = mixed()
    found = solve_continuous(program, np.array([9.0, 9.0, 1.0, 1.0]))
    assert found is not None and found == pytest.approx(np.array([3.0, 2.0, 1.0, 1.0]))
    assert solve_continuous(program, np.array([0.0, 0.0, 1.0, 0.0])) is None


@given(program=programs(whole=True, kinds=BOUNDED))
@settings(deadline=None, max_examples=25)
def test_a_part_has_the_activities_and_costs_of_the_whole(program: Program) -> None:
    size = len(program.cost)
    x, free = np.clip(np.ones(size), program.low, program.high), np.arange(size) % 2 == 0
    left = part(program, x, free)
    values = left.low

    def whole(values: Array) -> Array:
        made = x.copy()
        made[left.free] = values
        return made

    room = left.row_high - left.rows @ values
    full = (program.row_high - activity(program, whole(values)[None])[0])[
        np.diff(program.rows[:, left.free].indptr) > 0
    ]
    assert room == pytest.approx(full)
    assert program.cost @ whole(values) == pytest.approx(left.cost @ values + program.cost[~free] @ x[~free])


def test_wrong_requests_are_one_sentence() -> None:
    program = mixed()
    with pytest.raises(UserError, match=r"unknown solver 'hihgs': known are .*did you mean 'highs'"):
        solve(program, "hihgs")
    for arguments in ({"seconds": 0.0}, {"threads": 0}, {"start": np.zeros(3)}):
        with pytest.raises(ValueError, match="must"):
            solve(program, **arguments)
    with pytest.raises(ValueError, match="fixed must have shape"):
        complete(program, np.zeros(4), np.zeros(3, dtype=bool))
