"""What a run of a solver gives, the same of every solver.

What a solver hands back is put on the integers it is near, verified on the original rows, and mended by a linear
program with the integers fixed if the rounding broke a row; a solution that does not verify is not handed on.
"""

import math
from dataclasses import dataclass

from becalm_programs.problem.program import Array, in_original_sense, objective
from becalm_programs.solvers.continuous import mend
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.solver import FEASIBLE, NOTHING, OPTIMAL, Claim


@dataclass(frozen=True, slots=True, eq=False)
class Result:
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

    @classmethod
    def of(cls, log: IncumbentLog, claim: Claim) -> "Result":
        """The result of a run, given its incumbents and the solver's own word on its end."""
        program = log.program
        x = None if claim.x is None else mend(program, claim.x)
        value, status = math.nan, claim.status
        if x is not None:
            log.end(float(program.cost @ x))
            value = float(objective(program, x[None])[0])
        elif status in (OPTIMAL, FEASIBLE):
            status = NOTHING
        return cls(x, value, in_original_sense(program, claim.bound), status, log.seconds, tuple(log.points))
