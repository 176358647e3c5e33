"""Which solvers there are. A solver is a file of this folder that defines ``SOLVER``, and its name in the line below.

Imports no solver and no numpy before one is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast, get_args

from becalm.errors import UserError, unknown

if TYPE_CHECKING:
    from becalm_programs.solvers.solver import Solver

SolverName = Literal["highs", "cbc", "scip"]
SOLVERS: tuple[SolverName, ...] = get_args(SolverName)


def find(name: str) -> "Solver":
    """A solver by name.

    Raises:
        UserError: If there is none.
    """
    if name not in SOLVERS:
        raise unknown("solver", name, SOLVERS)
    return cast("Solver", import_module(f"becalm_programs.solvers.{name}").SOLVER)


def installed(name: str) -> bool:
    """Whether a solver can be run here."""
    try:
        find(name).require()
    except UserError:
        return False
    return True
