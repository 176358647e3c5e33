"""One way to run any of the solvers on a program, under a wall-clock limit, with every incumbent on record.

What a solver hands back is put on the integers it is near, verified on the original rows, and mended by a linear
program with the integers fixed if the rounding broke a row; a solution that does not verify is not handed on.
"""

import math
import time
from dataclasses import dataclass, field

import numpy as np

from becalm.errors import UserError, unknown
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify, whole

SOLVERS = ("highs", "cbc", "scip")
OPTIMAL, FEASIBLE, INFEASIBLE, UNBOUNDED, NOTHING = "optimal", "feasible", "infeasible", "unbounded", "nothing found"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a solver made of a program.

    Attributes:
        x: (n,) best solution found, verified feasible; None if there is none.
        objective: Of x in the original's sense; nan without x.
        bound: Best proven bound on the objective, in the original's sense; infinite or nan if there is none.
        status: ``optimal``, ``feasible`` (found, not proved best), ``infeasible``, ``unbounded`` or ``nothing found``.
        seconds: Wall-clock, reading the model in included.
        trajectory: (seconds, objective) of each incumbent, in order of time, each better than the one before.
    """

    x: Array | None
    objective: float
    bound: float
    status: str
    seconds: float
    trajectory: tuple[tuple[float, float], ...] = ()


@dataclass(slots=True, eq=False)
class Trail:
    """Incumbents as they come.

    Attributes:
        program: Whose objective is recorded.
        begun: When the run began, by ``time.perf_counter``.
        points: (seconds, objective in the original's sense), each better than the one before.
    """

    program: Program
    begun: float = field(default_factory=time.perf_counter)
    points: list[tuple[float, float]] = field(default_factory=list)
    _best: float = math.inf

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.begun

    def add(self, value: float, seconds: float | None = None) -> None:
        """Records an incumbent if it is better than all before.

        Args:
            value: ``cost . x`` of the minimisation, without its offset.
            seconds: When it was found, if not now.
        """
        if math.isfinite(value) and value < self._best - 1e-9 * max(1.0, abs(value)):
            self._best = value
            self.points.append((self.seconds if seconds is None else seconds, outer(self.program, value)))

    def close(self, x: Array | None, bound: float, status: str) -> Run:
        """The run, given the solver's last solution and its own word on it.

        Args:
            x: (n,) as the solver gave it, or None.
            bound: Of the minimisation, without its offset.
        """
        good = None if x is None else settle(self.program, x)
        if good is None:
            status = NOTHING if status in (OPTIMAL, FEASIBLE) else status
            return Run(None, math.nan, outer(self.program, bound), status, self.seconds, tuple(self.points))
        self._end(float(self.program.cost @ good))
        value = float(objective(self.program, good[None])[0])
        return Run(good, value, outer(self.program, bound), status, self.seconds, tuple(self.points))

    def _end(self, value: float) -> None:
        """Ends with the exact value of what is handed on: solvers report theirs rounded, or before it is mended."""
        final = outer(self.program, value)
        sign, tolerance = -1.0 if self.program.maximise else 1.0, 1e-6 * max(1.0, abs(final))
        seconds = self.seconds
        while self.points and sign * self.points[-1][1] <= sign * final + tolerance:
            moment, told = self.points.pop()
            seconds = moment if abs(told - final) <= tolerance else seconds
        self.points.append((seconds, final))


def solve(
    program: Program,
    solver: str = "highs",
    *,
    seconds: float = 10.0,
    start: Array | None = None,
    threads: int = 1,
) -> Run:
    """Runs a solver.

    Args:
        solver: ``highs``, ``cbc`` (PuLP's own) or ``scip``.
        seconds: Wall-clock limit; the solvers keep it within a second or so, longer on programs that take seconds to
            read in. CBC is stopped for good at twice the limit and five seconds.
        start: (n,) where to start. Entries that are nan are left to the solver, which completes the rest. A start
            that turns out infeasible is dropped by the solver without complaint.
        threads: How many; SCIP takes one whatever is asked.

    Raises:
        UserError: If the solver is unknown or not installed.
        ValueError: If start has another shape, or the limit or threads are not positive.
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    if start is not None and start.shape != program.cost.shape:
        raise ValueError(f"start must have shape {program.cost.shape}, got {start.shape}")
    if solver == "highs":
        from becalm_programs.solvers import highs

        return highs.solve(program, seconds, start, threads)
    elif solver == "cbc":
        from becalm_programs.solvers import cbc

        return cbc.solve(program, seconds, start, threads)
    elif solver == "scip":
        from becalm_programs.solvers import scip

        return scip.solve(program, seconds, start)
    raise unknown("solver", solver, SOLVERS)


def settle(program: Program, x: Array) -> Array | None:
    """x (n,) made whole and verified; where that fails and there are continuous variables, they are solved for anew.
    None if it does not verify.
    """
    rounded = whole(program, x[None])
    if not verify(program, rounded).feasible[0]:
        # Solvers may miss a bound by their tolerance.
        rounded = np.clip(rounded, program.low, program.high)
    if verify(program, rounded).feasible[0]:
        return np.asarray(rounded[0])
    if program.integer.all():
        return None
    from becalm_programs.solvers.complete import finish

    return finish(program, rounded[0])


def outer(program: Program, value: float) -> float:
    """Objective in the original's sense from ``cost . x``."""
    inside = value + program.offset
    return 0.0 - inside if program.maximise else inside


def missing(solver: str, package: str, install: str = "'becalm[programs]'") -> UserError:
    """A solver that is not installed, and what to install."""
    return UserError(f"solver {solver} needs {package}: pip install {install}")
