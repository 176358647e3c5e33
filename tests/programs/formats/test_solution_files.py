"""Solution files hold what was verified; solvers read the programs written, and take solutions as their start."""

import itertools
import json
import subprocess
from pathlib import Path

import highspy
import numpy as np
import pulp
import pytest
from drawn import INF, brute

from becalm import UserError
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.write import best, write_solutions
from becalm_programs.problem.program import Program, objective
from becalm_programs.problem.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")


@pytest.fixture
def cover() -> tuple[Program, np.ndarray]:
    """A program with solutions: one infeasible, all ones, the best."""
    program = generate("set-cover", "tiny", 0)
    x, value = brute(program)
    top = x[objective(program, x) == value][0]
    return program, np.array([np.zeros_like(top), np.ones_like(top), top])


def test_npz_holds_all_solutions_and_what_was_verified(cover: tuple[Program, np.ndarray], tmp_path: Path) -> None:
    program, x = cover
    verdict = write_solutions(tmp_path / "a.npz", program, x)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert sorted(file) == ["feasible", "max_violation", "names", "objective", "x"]
        assert file["x"].tolist() == x.tolist() and tuple(file["names"]) == program.names
        assert file["feasible"].tolist() == verdict.feasible.tolist() == [False, True, True]
        assert file["objective"].tolist() == verdict.objective.tolist()


def test_json_holds_all_solutions_and_never_nan(cover: tuple[Program, np.ndarray], tmp_path: Path) -> None:
    program, x = cover
    write_solutions(tmp_path / "a.json", program, np.vstack([x, np.full(len(program.cost), np.nan)]))
    content = json.loads((tmp_path / "a.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert [one["feasible"] for one in content["solutions"]] == [False, True, True, False]
    assert content["solutions"][1]["x"] == dict.fromkeys(program.names, 1)
    assert content["solutions"][3]["objective"] is None


@pytest.mark.parametrize("maximise", [False, True])
def test_the_best_is_a_feasible_one_of_the_best_objective(maximise: bool) -> None:
    program = from_arrays([1.0, 2.0], [[1.0, 1.0]], 1.0, 1.0, maximise=maximise)
    for order in itertools.permutations([[0, 0], [1, 1], [1, 0], [0, 1]]):
        chosen = order[best(program, verify(program, order))]
        assert chosen == ([0, 1] if maximise else [1, 0])
    nothing = [[1, 1], [0.5, 0.1]]
    assert best(program, verify(program, nothing)) == 1  # The least infeasible.


@pytest.mark.parametrize(("path", "says"), [("a.txt", "must end in one of"), ("a.sol", "no solution to write")])
def test_solutions_that_cannot_be_written_are_one_sentence(path: str, says: str, tmp_path: Path) -> None:
    program = from_arrays([1.0], [[1.0]])
    with pytest.raises(UserError, match=says):
        write_solutions(tmp_path / path, program, np.zeros((0, 1)))
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match="finite values"):
        write_solutions(tmp_path / "b.sol", program, [[np.nan]])


# MIP starts, and solvers as readers


def kinds() -> Program:
    """A bounded minimisation with every kind of row and bound, and names longer than fixed format allows."""
    return from_arrays(
        [1.5, -2.5, 1.5, -0.5, 1.0, -1.5, 2.5, 3.0],
        np.array(
            [[1.0] * 8, [1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1, 1, 0], [0] * 7 + [1]]
        ),
        [-INF, -20, -10, 2.25, -INF],
        [INF, INF, 7.5, 2.25, 9],
        low=[-INF, -INF, -3, 0, 0, 0, -3, 4],
        high=[INF, -1, 3, 1, INF, 2.5, INF, 4],
        integer=[False, True, True, True, True, False, False, True],
        names=[f"a_rather_long_variable_{index}" for index in range(8)],
        row_names=[f"a_rather_long_row_{index}" for index in range(5)],
        offset=3.0,
    )


def test_every_solver_reads_the_program_that_was_written(tmp_path: Path) -> None:
    program, path = kinds(), tmp_path / "a.mps"
    write_mps(path, program)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(path))
    highs.run()
    value = highs.getInfo().objective_function_value
    x = np.array([highs.getSolution().col_value])
    assert verify(program, x).feasible[0] and objective(program, x)[0] == pytest.approx(value)
    command = [pulp.PULP_CBC_CMD().path, "a.mps", "-solve", "-quit"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "read with 0 errors" in said
    (found,) = [float(line.split()[-1]) for line in said.splitlines() if line.startswith("Objective value:")]
    assert found == pytest.approx(value)


def maximisation() -> tuple[Program, np.ndarray]:
    """A knapsack, which solvers maximise, and a feasible start for it."""
    program = generate("knapsack", "tiny", 1)
    x, value = brute(program)
    return program, x[objective(program, x) == value][:1]


def test_highs_takes_a_sol_as_its_start(cover: tuple[Program, np.ndarray], tmp_path: Path) -> None:
    for program, x in [cover, maximisation()]:
        write_mps(tmp_path / "a.mps", program)
        verdict = write_solutions(tmp_path / "a.sol", program, x)
        highs = highspy.Highs()
        highs.setOptionValue("log_to_console", False)
        highs.setOptionValue("log_file", str(tmp_path / "log"))
        highs.setOptionValue("presolve", "off")
        highs.readModel(str(tmp_path / "a.mps"))
        assert highs.readSolution(str(tmp_path / "a.sol"), 0) == highspy.HighsStatus.kOk
        wanted = x[best(program, verdict)]
        assert np.array_equal(highs.getSolution().col_value, wanted)
        highs.run()
        assert "MIP start solution is feasible" in (tmp_path / "log").read_text()
        (tmp_path / "log").unlink()


def test_cbc_takes_an_mst_as_its_start(cover: tuple[Program, np.ndarray], tmp_path: Path) -> None:
    program, x = cover
    write_mps(tmp_path / "a.mps", program)
    verdict = write_solutions(tmp_path / "a.mst", program, x)
    command = [pulp.PULP_CBC_CMD().path, "a.mps", "-mips", "a.mst", "-solve", "-quit"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    value = verdict.objective[best(program, verdict)]
    assert f"MIPStart provided solution with cost {value:g}" in said


def test_scip_takes_a_sol_as_its_start(cover: tuple[Program, np.ndarray], tmp_path: Path) -> None:
    scip = pytest.importorskip("pyscipopt")
    for program, x in [cover, maximisation()]:
        write_mps(tmp_path / "a.mps", program)
        verdict = write_solutions(tmp_path / "a.sol", program, x)
        model = scip.Model()
        model.hideOutput()
        model.readProblem(str(tmp_path / "a.mps"))
        solution = model.readSolFile(str(tmp_path / "a.sol"))
        wanted = dict(zip(program.names, x[best(program, verdict)], strict=True))
        assert {variable.name: solution[variable] for variable in model.getVars()} == wanted
        assert model.getSolObjVal(solution) == pytest.approx(verdict.objective[best(program, verdict)])
        assert model.addSol(solution)
