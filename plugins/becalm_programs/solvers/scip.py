"""SCIP through PySCIPOpt."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers import highs
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.solver import FEASIBLE, INFEASIBLE, NOTHING, OPTIMAL, UNBOUNDED, Claim, Solver

_STATUS = {"optimal": OPTIMAL, "infeasible": INFEASIBLE, "unbounded": UNBOUNDED, "inforunbd": UNBOUNDED}


def solve(program: Program, seconds: float, start: Array | None, threads: int, log: IncumbentLog) -> Claim:
    """As ``becalm_programs.solvers.solve`` says; SCIP runs on one thread."""
    model = load(program)
    variables = {variable.name: variable for variable in model.getVars()}
    model.includeEventhdlr(_handler(log), "incumbents", "records incumbents")
    # 2: wall-clock.
    model.setParams({"timing/clocktype": 2, "limits/time": max(seconds - log.seconds, 0.01)})
    if start is not None:
        _hint(model, variables, start)
    model.optimize()
    if model.getStatus() == "userinterrupt":
        # SCIP takes Ctrl-C for itself and ends as if nothing had been.
        raise KeyboardInterrupt
    status = _STATUS.get(model.getStatus(), FEASIBLE if model.getNSols() > 0 else NOTHING)
    x = None
    if model.getNSols() > 0:
        best = model.getBestSol()
        x = np.array([model.getSolVal(best, variables[f"c{index}"]) for index in range(len(program.cost))])
    bound = float(model.getDualbound())
    return Claim(x, bound if abs(bound) < 1e20 else math.copysign(math.inf, bound), status)


def load(program: Program) -> Any:
    """A silent ``pyscipopt.Model`` with variables ``c0``, ``c1``, ...

    An MPS file in between is ten times quicker than adding rows one by one.
    """
    model = SOLVER.module().Model()
    model.hideOutput()
    with tempfile.TemporaryDirectory(prefix="becalm-scip-") as folder:
        path = Path(folder, "model.mps")
        highs.write(program, path)
        model.readProblem(str(path))
    return model


def _hint(model: Any, variables: dict[str, Any], start: Array) -> None:
    known = np.flatnonzero(~np.isnan(start))
    solution = model.createSol() if len(known) == len(start) else model.createPartialSol()
    for index in known:
        model.setSolVal(solution, variables[f"c{index}"], float(start[index]))
    model.addSol(solution)


def _handler(log: IncumbentLog) -> Any:
    """An event handler that records incumbents; a class made here, since its parent is the package's."""
    scip = SOLVER.module()
    parent: Any = scip.Eventhdlr

    class Handler(parent):  # type: ignore[misc]
        def eventinit(self) -> None:
            self.model.catchEvent(scip.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexit(self) -> None:
            self.model.dropEvent(scip.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexec(self, event: Any) -> None:
            model = self.model
            log.add(float(model.getSolObjVal(model.getBestSol())))

    return Handler()


SOLVER = Solver("scip", "SCIP", "pyscipopt", "'becalm[scip]'", solve)
