"""``becalm programs solve``: what a solver finds from nothing and from the best sample, in the same time."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import brute

from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.read import read
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify
from becalm_programs.verbs.solve import _verdict

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--steps", 4, "--search-steps", 60, "--device", "cpu", "--quiet", "--count", 4, "--checkpoint", "none")


def saved(path: Path, program: Program) -> Path:
    write_mps(path, program)
    return path


def tables(out: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    told = json.loads(out)
    runs, moments = told["tables"]
    return runs["rows"], moments["rows"], told["lines"]


@pytest.mark.parametrize("family", ["set-cover", "auction"])
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_both_runs_end_at_the_optimum_of_a_tiny_program(becalm: Run, tmp_path: Path, family: str, solver: str) -> None:
    program = generate(family, "tiny", 0)
    _, optimum = brute(program)
    model = saved(tmp_path / "model.mps", program)
    words = ("programs", "solve", model, "--warm-start", "--solver", solver, "--seconds", 20, *QUICK, "--json")
    code, out, err = becalm(*words, "--out", "best.npz", "--picture", "race.png")
    assert (code, err) == (0, "")
    runs, moments, lines = tables(out)
    assert [run["run"] for run in runs] == ["cold", "warm"]
    for run in runs:
        assert run["objective"] == pytest.approx(optimum) and run["status"] == "optimal"
    assert runs[0]["sampling"] == 0 < runs[1]["sampling"] == runs[1]["first_found_at"]
    assert moments[-1]["cold"] == moments[-1]["warm"] == pytest.approx(optimum)
    assert all(one["seconds"] < two["seconds"] for one, two in zip(moments, moments[1:], strict=False))
    assert any(line.startswith("best sample: ") for line in lines)
    with np.load("best.npz") as file:
        assert verify(read(model), file["x"]).feasible.all()
    assert Path("race.png").read_bytes().startswith(b"\x89PNG")


def test_a_warm_run_is_never_worse_than_its_sample_even_without_time_for_the_solver(
    becalm: Run, tmp_path: Path
) -> None:
    model = saved(tmp_path / "model.mps", generate("set-cover", "tiny", 1))
    code, out, _ = becalm("programs", "solve", model, "--warm-start", "--seconds", 1e-3, *QUICK, "--json")
    assert code == 0
    (_, warm), _, lines = tables(out)
    assert warm["status"] == "no time left for the solver" and warm["objective"] is not None
    assert f"best sample: {warm['objective']:.6g}" in " ".join(lines)


def test_without_a_feasible_sample_there_is_no_warm_run_and_that_is_said(becalm: Run, tmp_path: Path) -> None:
    model = saved(tmp_path / "model.mps", from_arrays([1, 1], [[1, 1]], row_low=[3]))
    code, out, _ = becalm(
        "programs", "solve", model, "--warm-start", "--seconds", 5, *QUICK, "--json", "--picture", "race.png"
    )
    assert code == 0
    runs, _, lines = tables(out)
    assert [run["run"] for run in runs] == ["cold"] and runs[0]["status"] == "infeasible"
    assert any("no warm start: 0 of 4 samples are feasible" in line for line in lines)


def test_without_a_warm_start_it_only_solves_and_infeasible_is_a_result(becalm: Run, tmp_path: Path) -> None:
    model = saved(tmp_path / "model.mps", from_arrays([1, 1], [[1, 1]], row_low=[3]))
    code, out, _ = becalm("programs", "solve", model, "--quiet", "--json", "--out", "best.sol")
    assert code == 0
    runs, _, lines = tables(out)
    assert runs[0]["status"] == "infeasible" and runs[0]["objective"] is None
    assert lines == ["nothing feasible was found: best.sol is not written"] and not Path("best.sol").exists()


@pytest.mark.parametrize("maximise", [False, True])
def test_the_verdict_on_a_warm_start_is_by_what_was_found_and_then_by_when(maximise: bool) -> None:
    sign = -1.0 if maximise else 1.0
    cold = (4.0, sign * 10.0)
    for warm, when, right in (
        ((1.0, sign * 9.0), 0.5, "helped: it led to a better solution"),
        ((1.0, sign * 11.0), math.inf, "did not help: without it the solver found a better solution"),
        ((1.0, sign * 10.0), 1.0, "helped: a solution as good was there 3 seconds earlier"),
        ((6.0, sign * 10.0), 6.0, "did not help: without it a solution as good was there 2 seconds earlier"),
    ):
        assert _verdict(cold, warm, when, maximise=maximise) == f"the warm start {right}"
