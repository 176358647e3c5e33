"""What a search brings goes back to what asked for it: PuLP, HiGHS, dictionaries, files."""

from pathlib import Path

import highspy
import numpy as np
import pytest

import becalm_programs
from becalm.errors import UserError
from becalm.provenance import read
from becalm_programs.families import generate
from becalm_programs.formats.highs import from_highs
from becalm_programs.formats.mps import write_mps
from becalm_programs.problem.verify import verify
from becalm_programs.solutions import solutions

pulp = pytest.importorskip("pulp")
QUICK = {"seconds": 60.0, "start": ("greedy", "swap"), "device": "cpu"}


def bag() -> "pulp.LpProblem":
    problem = pulp.LpProblem("bag", pulp.LpMaximize)
    taken = [pulp.LpVariable(f"take{place}", cat="Binary") for place in range(6)]
    problem += pulp.lpSum(gain * x for gain, x in zip((6, 5, 8, 9, 6, 7), taken, strict=True)) + 2
    problem += pulp.lpSum(weight * x for weight, x in zip((2, 3, 6, 7, 5, 9), taken, strict=True)) <= 15
    return problem


def test_a_pulp_problem_gets_any_solution_of_its_pool_back() -> None:
    problem = bag()
    found = becalm_programs.pool(problem, 5, within=None, **QUICK)
    assert len(found) > 1
    for number, told in enumerate(found.dicts()):
        assert found.to_pulp(problem, number).feasible.all()
        assert pulp.value(problem.objective) == pytest.approx(found.objectives[number])
        assert {variable.name: variable.varValue for variable in problem.variables()} == told
    assert found.dicts(zeros=False)[0] == {name: value for name, value in found.dicts()[0].items() if value}
    assert len(repr(found)) < 200 and "different solutions" in found._repr_html_()


def test_a_model_of_highs_is_read_as_it_stands_and_takes_a_solution_as_its_start(tmp_path: Path) -> None:
    bag().writeMPS(str(tmp_path / "bag.mps"))
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.readModel(str(tmp_path / "bag.mps"))
    program = from_highs(model)
    found = becalm_programs.pool(model, 5, within=None, **QUICK)
    assert program.names == found.program.names and verify(program, found.x).feasible.all()
    found.to_highs(model)
    model.run()
    sign = -1 if program.maximise else 1
    assert sign * model.getInfo().objective_function_value <= sign * found.best + 1e-9
    np.testing.assert_allclose(program.rows.toarray(), found.program.rows.toarray())
    other = highspy.Highs()
    with pytest.raises(UserError, match="must have the 6 variables that were searched, got 0"):
        found.to_highs(other)


def test_models_of_highs_that_are_no_linear_programs_are_refused() -> None:
    with pytest.raises(UserError, match="must be a highspy.Highs, got int"):
        from_highs(3)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.addVar(0.0, 1.0)
    model.changeColIntegrality(0, highspy.HighsVarType.kSemiContinuous)
    with pytest.raises(UserError, match="variable 0 of the HiGHS model is kSemiContinuous"):
        from_highs(model)


def test_a_pool_of_a_file_knows_its_making_and_solutions_gives_the_same_as_an_outcome(tmp_path: Path) -> None:
    path = tmp_path / "cover.mps.gz"
    write_mps(path, generate("set-cover", "tiny", 0))
    found = becalm_programs.pool(path, 3, within="50%", **QUICK)
    found.save(tmp_path / "a.npz")
    made = read(tmp_path / "a.npz")
    assert made.command == "programs sample" and made.settings["distinct"] == 3 and made.timed
    outcome = solutions(path, within=0.5, distinct=3, **QUICK)
    assert outcome.found == len(outcome.x) == outcome.distinct == 3 and outcome.tier == "1-opt"
    np.testing.assert_array_equal(outcome.verdict.objective, outcome.objectives)


def test_what_cannot_be_searched_is_refused_in_a_sentence() -> None:
    program = generate("set-cover", "tiny", 0)
    for fields, sentence in (
        ({"start": ("gredy",)}, "start.0 must be .*did you mean 'greedy'"),
        ({"within": 1.0}, "within must be less than 1, got 1"),
        ({"within": "x%"}, "within must be a valid number, got 'x%'"),
        ({"seconds": 0}, "seconds must be greater than 0, got 0"),
        ({"count": 3}, "count does nothing where solutions are searched for a time: --distinct says how many"),
        ({"start": ("greedy",), "steps": 3}, "steps does nothing where no start samples"),
    ):
        with pytest.raises(UserError, match=sentence):
            solutions(program, **{"distinct": 3, **fields})
