"""One way to run any of the solvers on a program, under a wall-clock limit, with every incumbent on record."""

from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.registry import find
from becalm_programs.solvers.result import Result


def solve(
    program: Program,
    solver: str = "highs",
    *,
    seconds: float = 10.0,
    start: Array | None = None,
    threads: int = 1,
) -> Result:
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
    chosen = find(solver)
    log = IncumbentLog(program)
    return Result.of(log, chosen.run(program, seconds, start, threads, log))
