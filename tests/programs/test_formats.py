"""Programs and solutions survive the formats they travel in; what is damaged is refused in one sentence."""

import gzip
import itertools
import json
import random
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pulp
import pytest
from drawn import brute, programs, same
from hypothesis import given, settings

from becalm import UserError
from becalm_programs.families import generate
from becalm_programs.formats import parse
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import mps, write_mps
from becalm_programs.formats.pulp import from_pulp, to_pulp
from becalm_programs.formats.read import parsed, read
from becalm_programs.formats.write import best, write_solutions
from becalm_programs.program import Program, objective
from becalm_programs.verify import verify

FIXTURES = Path(__file__).parents[1] / "fixtures" / "programs"
SENTENCE = r"^[^\n]{10,400}$"
INF = np.inf
SMALL = """\
NAME small
ROWS
 N cost
 L first
 G second
COLUMNS
 x cost 1 first 1
 x second 1
 y cost 2 first 1
RHS
 RHS first 4 second 1
BOUNDS
 UP BND x 4
ENDATA
"""


def here(content: bytes, suffix: str = ".mps") -> Program:
    """Parses in this process, which is quicker than ``read`` and as strict."""
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name) / "out", Path(name) / f"model{suffix}"
        folder.mkdir()
        path.write_bytes(content)
        try:
            parse.main(path, folder)
        except parse.RefusedError as error:
            raise UserError(f"{path} {error}") from error
        return parsed(folder, "model")


# Models in


@settings(max_examples=60, deadline=None)
@given(programs())
def test_a_program_written_and_read_again_is_the_same(program: Program) -> None:
    assert same(here(mps(program).encode()), program)


@pytest.mark.parametrize("suffix", [".mps", ".mps.gz"])
def test_a_file_written_and_read_again_is_the_same(suffix: str, tmp_path: Path) -> None:
    program = generate("facility", "tiny", 3)
    path = tmp_path / f"a{suffix}"
    write_mps(path, program)
    first = path.read_bytes()
    write_mps(path, program)
    assert path.read_bytes() == first
    assert (first[:2] == b"\x1f\x8b") == suffix.endswith("gz")
    found = read(path)
    assert same(found, program) and found.name == "a"


def test_every_kind_of_row_and_bound_is_read_as_it_is_written() -> None:
    program = read(FIXTURES / "ranges.mps")
    assert program.maximise and program.name == "ranges"
    rows = dict(zip(program.row_names, zip(program.row_low, program.row_high, strict=True), strict=True))
    assert rows == {
        "most": (-INF, 10), "least": (-2, INF), "exact": (0, 0), "range": (1.5, 4), "span": (1, 5), "up": (3, 5),
        "down": (-5, -3),
    }  # fmt: skip
    limits = dict(zip(program.names, zip(program.low, program.high, program.integer, strict=True), strict=True))
    assert limits == {
        "x": (0, 4, False), "n": (-3, 3, True), "b": (0, 1, True), "f": (-INF, INF, False), "g": (-INF, -1, False),
        "h": (1.5, 1.5, False),
    }  # fmt: skip
    assert objective(program, [[1, 1, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0]]).tolist() == [1 + 2 - 1 + 1 + 7, 7]


def test_an_lp_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    packed = tmp_path / "ranges.lp.gz"
    packed.write_bytes(gzip.compress((FIXTURES / "ranges.lp").read_bytes()))
    for program in (read(FIXTURES / "ranges.lp"), read(packed)):
        assert program.maximise and program.offset == -7
        rows = dict(zip(program.row_names, zip(program.row_low, program.row_high, strict=True), strict=True))
        assert rows == {"most": (-INF, 10), "least": (-1, INF), "exact": (0, 0)}
        assert program.rows[[1]].toarray().tolist() == [
            [2.0 if name == "x" else float(name == "b") for name in program.names]
        ]
        limits = dict(zip(program.names, zip(program.low, program.high, program.integer, strict=True), strict=True))
        assert limits == {"x": (0, 4, False), "n": (-3, 3, True), "b": (0, 1, True), "f": (-INF, INF, False)}


def test_what_is_wrong_with_an_lp_file_is_one_sentence() -> None:
    content = (FIXTURES / "ranges.lp").read_bytes()
    for change, says in [(b"-1 <= x + b <= 4", "whose rows have one side"), (b"x + 1e999 b >= 1", "inf")]:
        with pytest.raises(UserError, match=says):
            here(content.replace(b"x + b + x >= -1", change), ".lp")


def test_a_name_with_a_blank_is_no_mps_name() -> None:
    with pytest.raises(UserError, match="no blanks in a name.*'a b'"):
        mps(from_arrays([1.0], [[1.0]], names=["a b"]))


WRONG: dict[str, tuple[str, str]] = {
    "a coefficient that is nan": (SMALL.replace("first 1\n", "first nan\n", 1), "line 7 has 'nan' where a number"),
    "a cost that is nan": (SMALL.replace("cost 1", "cost NaN"), "'NaN' where a number"),
    "a coefficient that is infinite": (SMALL.replace("first 1\n", "first 1e999\n", 1), "cannot be parsed|a number"),
    "half a number": (SMALL.replace("first 4", "first 4x"), "'4x' where a number"),
    "a decimal comma": (SMALL.replace("first 4", "first 4,5"), "'4,5' where a number"),
    "a Fortran exponent": (SMALL.replace("first 4", "first 1D3"), "'1D3' where a number"),
    "a side that is nan": (SMALL.replace("first 4", "first nan"), "nan"),
    "a bound that is nan": (SMALL.replace("x 4", "x nan"), "nan"),
    "an unknown row": (SMALL.replace("second 1\n y", "third 1\n y"), "third"),
    "an unknown row among the sides": (SMALL.replace("RHS first", "RHS third"), "not taken|cannot be parsed"),
    "an unknown column among the bounds": (SMALL.replace("BND x", "BND z"), "unknown column 'z'"),
    "an entry twice": (SMALL.replace(" x second 1", " x second 1\n x second 2"), "duplicate"),
    "no end": (SMALL.replace("ENDATA\n", ""), "ends without ENDATA"),
    "sections out of order": (SMALL.replace("COLUMNS", "ROW").replace("ROWS", "COLUMNS"), "COLUMNS before ROWS"),
    "a section twice": (SMALL.replace("ENDATA", "RHS\nENDATA"), "section RHS a second time"),
    "data before any section": (" RHS first 2\n" + SMALL, "line 1 stands before any section"),
    "a quadratic objective": (SMALL.replace("ENDATA", "QUADOBJ\n x x 2\nENDATA"), "only linear"),
    "special ordered sets": (SMALL.replace("ENDATA", "SOS\n S1 s 1\n x 1\n y 2\nENDATA"), "SOS"),
    "a semicontinuous variable": (SMALL.replace("UP BND", "SC BND"), "semicontinuous variable 'x'"),
    "crossed bounds": (SMALL.replace(" UP BND x 4", " UP BND x 4\n LO BND x 5"), "infeasible as it stands"),
    "no integer between the bounds": (
        SMALL.replace(" x cost", " M 'MARKER' 'INTORG'\n x cost", 1).replace("BND x 4", "BND x 0.5\n LO BND x 0.2"),
        "no integer between its bounds",
    ),
    "no variables": ("NAME a\nROWS\n N c\nCOLUMNS\nRHS\nENDATA\n", "at least one variable|cannot be parsed"),
    "nothing": ("", "is empty"),
    "prose": ("Dear reader,\n this is no model.\n", "before any section"),
    "binary rubbish": ("\x00\x01\x02" * 50, "before any section"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_model_is_one_sentence(what: str) -> None:
    content, says = WRONG[what]
    with pytest.raises(UserError, match=says) as caught:
        here(content.encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["prose", "a coefficient that is nan", "crossed bounds"])
def test_reading_says_the_same_and_names_the_file(what: str, tmp_path: Path) -> None:
    content, says = WRONG[what]
    path = tmp_path / "wrong.mps"
    path.write_text(content)
    with pytest.raises(UserError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_place_that_holds_no_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder.mps").mkdir()
    (tmp_path / "cut.mps.gz").write_bytes(gzip.compress(SMALL.encode() * 50)[:-20])
    for path, says in [
        (tmp_path / "none.mps", "there is no file"),
        (tmp_path / "a.txt", "must end in one of .mps"),
        (tmp_path / "folder.mps", "is a folder"),
        (tmp_path / "cut.mps.gz", "damaged gzip file"),
    ]:
        with pytest.raises(UserError, match=says):
            read(path)


def test_a_file_that_takes_too_much_time_or_memory_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "huge.mps.gz"
    claim = SMALL.replace("RHS\n", " z first 1\n" * 200_000 + "RHS\n", 1)
    path.write_bytes(gzip.compress(claim.encode(), 1))
    with pytest.raises(UserError, match=r"huge.mps.gz cannot be read in 0.01 seconds"):
        read(path, seconds=0.01)
    with pytest.raises(UserError, match=SENTENCE):
        read(path, memory=2**20)  # Python itself does not start in so little.
    bomb = tmp_path / "bomb.mps.gz"
    bomb.write_bytes(gzip.compress(b" " * 2**28, 1))
    with pytest.raises(UserError, match=r"bomb.mps.gz (cannot be read: File too large|cannot be parsed|needs more)"):
        read(bomb, memory=2**27 + 2**26)


def mutated(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = draw.randrange(len(lines))
    at = draw.randrange(len(content))
    token = draw.choice([b"nan", b"1e999", b"-", b"\n", b" ", b"\x00", b"ENDATA\n", b"RHS\n", b"9" * 50, b"\xff\xfe"])
    ways: list[Callable[[], bytes]] = [
        lambda: content[:at],
        lambda: content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :],
        lambda: content[:at] + token + content[at:],
        lambda: b"\n".join(lines[:place] + lines[place + 1 :]),
        lambda: b"\n".join([*lines[:place], draw.choice(lines), *lines[place:]]),
        lambda: b"\n".join(draw.sample(lines, len(lines))),
    ]
    return draw.choice(ways)()


@pytest.mark.parametrize("name", ["ranges.mps", "ranges.lp"])
def test_a_mutated_file_is_read_or_refused_in_one_sentence(name: str) -> None:
    content, draw = (FIXTURES / name).read_bytes(), random.Random(name)
    refused = 0
    for _ in range(100):
        try:
            program = here(mutated(content, draw), Path(name).suffix)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
        except UnicodeDecodeError:  # The child says so in a sentence; see parse.
            refused += 1
        else:
            assert np.isfinite(program.cost).all() and np.isfinite(program.rows.data).all()
    assert 20 < refused < 100


# PuLP

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


# Solutions out


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
