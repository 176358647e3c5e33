"""HiGHS through highspy.

It runs in a thread of its own, so that Ctrl-C stops it at its next question instead of at its end, and so that the
number of threads, which HiGHS fixes once per calling thread, may differ from run to run.
"""

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.part import Part
from becalm_programs.solvers.solver import FEASIBLE, INFEASIBLE, NOTHING, OPTIMAL, UNBOUNDED, Claim, Solver


def load(model: Program | Part, *, relaxed: bool = False) -> Any:
    """A silent ``highspy.Highs`` that holds a program, without names; ``relaxed`` drops integrality."""
    highspy = SOLVER.module()
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = model.rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.low, model.high
    lp.row_lower_, lp.row_upper_ = model.row_low, model.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = model.rows.shape
    lp.a_matrix_.start_ = model.rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.rows.data
    if not relaxed and model.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[whole] for whole in model.integer.tolist()]
    highs.passModel(lp)
    return highs


def hint(highs: Any, start: Array) -> None:
    """Hands over a start; entries that are nan are left open."""
    known = np.flatnonzero(~np.isnan(start))
    if len(known) == len(start):
        solution = SOLVER.module().HighsSolution()
        solution.col_value = start.tolist()
        highs.setSolution(solution)
    elif len(known):
        highs.setSolution(len(known), known.astype(np.int32), start[known].astype(np.float64))


def run(highs: Any, seconds: float, threads: int = 1, on_incumbent: Callable[[float], None] | None = None) -> None:
    """Runs a model that is a mixed-integer or a linear program.

    Args:
        seconds: Wall-clock from here; may be infinite.
        on_incumbent: Told the objective of each incumbent.
    """
    stop = threading.Event()
    deadline = time.perf_counter() + seconds
    if math.isfinite(seconds):
        highs.setOptionValue("time_limit", max(seconds, 1e-3))
    highs.setOptionValue("threads", threads)

    def ask(event: Any) -> None:
        # A callback may still come after the end, and must not raise: C++ is above it.
        if stop.is_set() or time.perf_counter() > deadline:
            event.interrupt()

    def tell(event: Any) -> None:
        if on_incumbent is not None:
            on_incumbent(float(event.data_out.objective_function_value))

    highs.cbMipInterrupt.subscribe(ask)
    highs.cbMipImprovingSolution.subscribe(tell)
    worker = threading.Thread(target=highs.run, daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(0.2)
    finally:
        stop.set()
        worker.join()
        highs.disableCallbacks()


def solve(program: Program, seconds: float, start: Array | None, threads: int, log: IncumbentLog) -> Claim:
    """As ``becalm_programs.solvers.solve`` says."""
    highs = load(program)
    for option in ("mip_rel_gap", "mip_abs_gap"):
        highs.setOptionValue(option, 0.0)
    if start is not None:
        hint(highs, start)
    run(highs, max(seconds - log.seconds, 1e-3), threads, log.add)
    x = solution(highs)
    return Claim(x, bound(highs), status(highs, x is not None))


def write(program: Program, path: Path) -> None:
    """The minimisation as MPS, variables named ``c0``, ``c1``, ...: no name of a user's can trip CBC or SCIP."""
    load(program).writeModel(str(path))


def solution(highs: Any) -> Array | None:
    """(n,) the primal solution that HiGHS holds, if it holds a feasible one."""
    feasible = int(SOLVER.module().SolutionStatus.kSolutionStatusFeasible)
    if int(highs.getInfo().primal_solution_status) != feasible:
        return None
    return np.array(highs.getSolution().col_value, dtype=np.float64)


def status(highs: Any, has_solution: bool) -> str:
    """The word for how a run ended."""
    kinds = SOLVER.module().HighsModelStatus
    end = highs.getModelStatus()
    if end in (kinds.kOptimal, kinds.kModelEmpty):
        return OPTIMAL
    if end == kinds.kInfeasible:
        return INFEASIBLE
    if end in (kinds.kUnbounded, kinds.kUnboundedOrInfeasible):
        return UNBOUNDED
    return FEASIBLE if has_solution else NOTHING


def bound(highs: Any) -> float:
    """Proven bound of a run, infinite if there is none."""
    if len(highs.getLp().integrality_):
        return float(highs.getInfo().mip_dual_bound)
    optimal = highs.getModelStatus() == SOLVER.module().HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value) if optimal else -math.inf


SOLVER = Solver("highs", "HiGHS", "highspy", "'becalm[programs]'", solve)
