"""One call from a problem to solutions: the same program gives the same solutions by whichever door it comes."""

from pathlib import Path

import numpy as np
import pytest
from drawn import brute

from becalm.errors import UserError
from becalm.provenance import read
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.pulp import from_pulp, to_pulp
from becalm_programs.solutions import solutions

pulp = pytest.importorskip("pulp")
QUICK = {"steps": 4, "device": "cpu"}


def knapsack() -> "pulp.LpProblem":
    problem = pulp.LpProblem("bag", pulp.LpMaximize)
    taken = [pulp.LpVariable(f"take{place}", cat="Binary") for place in range(6)]
    problem += pulp.lpSum(gain * x for gain, x in zip((6, 5, 8, 9, 6, 7), taken, strict=True))
    problem += pulp.lpSum(weight * x for weight, x in zip((2, 3, 6, 7, 5, 9), taken, strict=True)) <= 15
    return problem


def test_the_best_of_a_pulp_problem_is_the_optimum_and_goes_back_into_it() -> None:
    problem = knapsack()
    outcome = solutions(problem, 20, **QUICK)
    optimum = brute(from_pulp(problem))[1]
    assert outcome.best == pytest.approx(optimum)
    place = int(np.argmax(np.where(outcome.verdict.feasible, outcome.verdict.objective, -np.inf)))
    assert to_pulp(problem, outcome.program, outcome.x[place]).feasible.all()
    assert pulp.value(problem.objective) == pytest.approx(optimum)


def test_a_file_and_arrays_give_the_same_solutions(tmp_path: Path) -> None:
    program = generate("set-cover", "tiny", 0)
    path = tmp_path / "cover.mps.gz"
    write_mps(path, program)
    by_arrays, by_file, by_name = (solutions(one, 6, seed=3, **QUICK) for one in (program, path, str(path)))
    np.testing.assert_array_equal(by_arrays.x, by_file.x)
    np.testing.assert_array_equal(by_arrays.x, by_name.x)
    assert by_arrays.feasible == 1


def test_solutions_of_a_file_are_saved_with_their_record_and_show_themselves(tmp_path: Path) -> None:
    path = tmp_path / "cover.mps.gz"
    write_mps(path, generate("set-cover", "tiny", 0))
    outcome = solutions(str(path), 2, seed=3, **QUICK)
    outcome.save(tmp_path / "a.sol")
    made = read(tmp_path / "a.sol")
    assert (made.command, made.settings["seed"], made.inputs["model"].name) == ("programs sample", 3, "cover.mps.gz")
    assert outcome.record == made
    assert len(repr(outcome)) < 200 and "feasible" in outcome._repr_html_()
    assert solutions(generate("set-cover", "tiny", 0), 2, **QUICK).record is None
    with pytest.raises(UserError, match="must end in one of"):
        outcome.save(tmp_path / "a.png")


def test_what_cannot_be_sampled_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="no integer variables"):
        solutions(from_arrays([1.0], [[1.0]], row_low=[0.5], integer=[False], low=[0], high=[1]))
    with pytest.raises(UserError, match="pulp.LpProblem, got dict"):
        solutions({})
    with pytest.raises(UserError, match="tier"):
        solutions(generate("set-cover", "tiny", 0), tier="best")
