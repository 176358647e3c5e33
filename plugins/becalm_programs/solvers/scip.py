"""SCIP through PySCIPOpt."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers import cbc
from becalm_programs.solvers.result import FEASIBLE, INFEASIBLE, NOTHING, OPTIMAL, UNBOUNDED, Run, Trail, missing


def package() -> Any:
    """The module pyscipopt.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import pyscipopt
    except ImportError as error:
        raise missing("scip", "pyscipopt", "pyscipopt") from error
    return pyscipopt


def solve(program: Program, seconds: float, start: Array | None) -> Run:
    """As ``becalm_programs.solvers.solve`` says; SCIP runs on one thread."""
    trail = Trail(program)
    model = load(program)
    variables = {variable.name: variable for variable in model.getVars()}
    model.includeEventhdlr(_handler(trail), "incumbents", "records incumbents")
    # 2: wall-clock.
    model.setParams({"timing/clocktype": 2, "limits/time": max(seconds - trail.seconds, 0.01)})
    if start is not None:
        _hint(model, variables, start)
    model.optimize()
    if model.getStatus() == "userinterrupt":
        # SCIP takes Ctrl-C for itself and ends as if nothing had been.
        raise KeyboardInterrupt
    status = _status(model.getStatus(), model.getNSols() > 0)
    x = None
    if model.getNSols() > 0:
        best = model.getBestSol()
        x = np.array([model.getSolVal(best, variables[f"c{index}"]) for index in range(len(program.cost))])
    bound = float(model.getDualbound())
    return trail.close(x, bound if abs(bound) < 1e20 else math.copysign(math.inf, bound), status)


def load(program: Program) -> Any:
    """A silent ``pyscipopt.Model`` with variables ``c0``, ``c1``, ...

    An MPS file in between is ten times quicker than adding rows one by one.
    """
    model = package().Model()
    model.hideOutput()
    with tempfile.TemporaryDirectory(prefix="becalm-scip-") as folder:
        path = Path(folder, "model.mps")
        cbc.write(program, path)
        model.readProblem(str(path))
    return model


def _hint(model: Any, variables: dict[str, Any], start: Array) -> None:
    known = np.flatnonzero(~np.isnan(start))
    solution = model.createSol() if len(known) == len(start) else model.createPartialSol()
    for index in known:
        model.setSolVal(solution, variables[f"c{index}"], float(start[index]))
    model.addSol(solution)


def _status(word: str, found: bool) -> str:
    if word == "optimal":
        return OPTIMAL
    if word == "infeasible":
        return INFEASIBLE
    if word in ("unbounded", "inforunbd"):
        return UNBOUNDED
    return FEASIBLE if found else NOTHING


def _handler(trail: Trail) -> Any:
    """An event handler that records incumbents; a class made here, since its parent is the package's."""
    scip = package()
    parent: Any = scip.Eventhdlr

    class Handler(parent):  # type: ignore[misc]
        def eventinit(self) -> None:
            self.model.catchEvent(scip.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexit(self) -> None:
            self.model.dropEvent(scip.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexec(self, event: Any) -> None:
            model = self.model
            trail.add(float(model.getSolObjVal(model.getBestSol())))

    return Handler()
