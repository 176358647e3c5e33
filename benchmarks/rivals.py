"""Solvers that tell of each solution that they come upon: what searches for a time are compared with.

Each is a function (program, seconds, tell), which calls ``tell(x)`` with (n,) solutions as they come, on one thread.
Those whose package is not installed are left out; all are there after
``pip install pyscipopt localmip chszlablib "ortools<9.12"``: later ones of OR-tools bring a HiGHS of their own, which
does not load beside highspy's.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from becalm_programs.formats.mps import write_mps
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import whole
from becalm_programs.sampling.choose import family_of
from becalm_programs.solvers import highs, scip

Tell = Callable[[Array], None]
Rival = Callable[[Program, float, Tell], None]


def by_highs(program: Program, seconds: float, tell: Tell) -> None:
    """HiGHS, and all solutions that it looks at, better ones and others."""
    model = highs.load(program)
    for option in ("mip_rel_gap", "mip_abs_gap"):
        model.setOptionValue(option, 0.0)
    model.cbMipSolution.subscribe(lambda event: tell(np.array(event.data_out.mip_solution)))
    highs.run(model, seconds)


def by_scip(program: Program, seconds: float, tell: Tell) -> None:
    """SCIP, and what its pool of solutions holds."""
    import pyscipopt

    model = scip.load(program)
    variables = {variable.name: variable for variable in model.getVars()}
    order = [variables[f"c{place}"] for place in range(len(program.cost))]
    parent: Any = pyscipopt.Eventhdlr

    class Found(parent):  # type: ignore[misc]
        def eventinit(self) -> None:
            self.model.catchEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexit(self) -> None:
            self.model.dropEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexec(self, event: Any) -> None:
            tell_of(self.model.getBestSol())

    def tell_of(solution: Any) -> None:
        tell(np.array([model.getSolVal(solution, variable) for variable in order]))

    model.includeEventhdlr(Found(), "found", "tells of solutions")
    model.setParams({"timing/clocktype": 2, "limits/time": seconds, "limits/maxsol": 1000})
    model.optimize()
    for solution in model.getSols():
        tell_of(solution)


def by_cp_sat(program: Program, seconds: float, tell: Tell) -> None:
    """CP-SAT of OR-tools, for programs whose rows hold integers alone.

    Raises:
        ValueError: If a row or a variable does not.
    """
    from ortools.sat.python import cp_model

    rows = program.rows
    bounds = (program.row_low, program.row_high, program.low, program.high)
    finite = np.concatenate([side[np.isfinite(side)] for side in bounds])
    if not (program.integer.all() and (rows.data == np.rint(rows.data)).all() and (finite == np.rint(finite)).all()):
        raise ValueError("CP-SAT takes integers alone in rows and bounds")
    model = cp_model.CpModel()
    limits = zip(program.low.astype(int).tolist(), program.high.astype(int).tolist(), strict=True)
    variables = [model.new_int_var(low, high, "") for low, high in limits]
    for row, (low, high) in enumerate(zip(program.row_low, program.row_high, strict=True)):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        terms = zip(rows.indices[part], rows.data[part].astype(int).tolist(), strict=True)
        total = sum(value * variables[place] for place, value in terms)
        ends = [int(side) if np.isfinite(side) else sign * 2**40 for side, sign in ((low, -1), (high, 1))]
        model.add_linear_constraint(total, *ends)
    model.minimize(sum(cost * variable for cost, variable in zip(program.cost.tolist(), variables, strict=True)))

    class Found(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            tell(np.array([self.value(variable) for variable in variables], dtype=np.float64))

    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.solve(model, Found())


def by_kamis(program: Program, seconds: float, tell: Tell) -> None:
    """KaMIS (ReduMIS, Lamm et al. 2017), for independent sets whose entries gain alike.

    It tells of its result at the end alone, so it is run for half a second, then for one, two, ...: what it has at any
    time is what it finds in half of it.

    Raises:
        ValueError: If the program is something else.
    """
    import chszlablib

    if family_of(program) != "independent-set":
        raise ValueError("KaMIS takes independent sets")
    ones = (program.rows != 0).astype(float)
    together = (ones.T @ ones).tocoo()
    pairs = np.unique(np.sort(np.stack([together.row, together.col], 1)[together.row != together.col]), axis=0)
    graph = chszlablib.Graph.from_edge_list([(int(a), int(b)) for a, b in pairs], len(program.cost))
    for limit, number in _doubling(seconds):
        x = np.zeros(len(program.cost))
        x[chszlablib.IndependenceProblems.redumis(graph, limit, number).vertices] = 1
        tell(x)


def by_local_mip(program: Program, seconds: float, tell: Tell) -> None:
    """Local-MIP (Lin et al. 2024), run for half a second, then for one, two, ...: it tells of a result at the end."""
    import localmip_py

    with tempfile.TemporaryDirectory() as folder:
        file, result = Path(folder) / "model.mps", Path(folder) / "model.sol"
        write_mps(file, program)
        for limit, number in _doubling(seconds):
            with _silent():
                search = localmip_py.LocalMIP()
                search.set_model_file(str(file))
                search.set_sol_path(str(result))
                search.set_time_limit(limit)
                search.set_random_seed(number + 1)
                search.run()
            if search.is_feasible():
                tell(np.array(search.get_solution(), dtype=np.float64)[: len(program.cost)])


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What a library prints past Python is not shown."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def _doubling(seconds: float) -> Iterator[tuple[float, int]]:
    """Limits that double from half a second on, as long as they fit, and their numbers."""
    begun, limit, number = time.perf_counter(), 0.5, 0
    while number == 0 or time.perf_counter() - begun + limit <= seconds:
        yield limit, number
        limit, number = 2 * limit, number + 1


def on_integers(program: Program, tell: Tell) -> Tell:
    """What takes a solver's solutions, which miss integers by a little."""
    return lambda x: tell(np.clip(whole(program, x[None]), program.low, program.high)[0])


RIVALS: Mapping[str, tuple[str, Rival]] = {
    "highs": ("highspy", by_highs),
    "scip": ("pyscipopt", by_scip),
    "cp-sat": ("ortools", by_cp_sat),
    "kamis": ("chszlablib", by_kamis),
    "local-mip": ("localmip_py", by_local_mip),
}
"""The package and the function of each."""


def rivals() -> list[str]:
    """Those that can be run here."""
    return [name for name, (package, _) in RIVALS.items() if find_spec(package) is not None]
