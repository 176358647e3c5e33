"""What every solver offers: a name, what it needs, and one way to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

from becalm.errors import UserError
from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers.incumbents import IncumbentLog

OPTIMAL, FEASIBLE, INFEASIBLE, UNBOUNDED, NOTHING = "optimal", "feasible", "infeasible", "unbounded", "nothing found"


class Claim(NamedTuple):
    """What a solver itself says at its end, not verified yet.

    Attributes:
        x: (n,) its solution, if it has one.
        bound: Best proven bound on ``cost . x`` of the minimisation, without its offset; infinite if there is none.
        status: One of the five words above.
    """

    x: Array | None
    bound: float
    status: str


@dataclass(frozen=True, slots=True)
class Solver:
    """A solver.

    Attributes:
        name: What flags call it. title: What tables do.
        package: Of Python, that brings it; its version is the solver's.
        install: What pip installs it by.
        run: (program, seconds, start, threads, log) to its claim, incumbents told to the log; see ``solvers.solve``.
        extra: Raises UserError if something beside the package is missing.
    """

    name: str
    title: str
    package: str
    install: str
    run: Callable[[Program, float, Array | None, int, IncumbentLog], Claim]
    extra: Callable[[], object] | None = None

    def module(self) -> Any:
        """The package, imported.

        Raises:
            UserError: If it is not installed.
        """
        try:
            return import_module(self.package)
        except ImportError as error:
            raise UserError(f"solver {self.name} needs {self.package}: pip install {self.install}") from error

    def require(self) -> None:
        """Refuses what cannot be run here.

        Raises:
            UserError: If something is not installed.
        """
        (self.extra or self.module)()
