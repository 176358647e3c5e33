"""Solvers as oracles, baselines and finishers: HiGHS, CBC and SCIP, each a file, run one way. They judge nothing by
themselves: what comes back is verified. Each is imported when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from becalm_programs.solvers.registry import SOLVERS

if TYPE_CHECKING:
    from becalm_programs.solvers.driver import solve
    from becalm_programs.solvers.result import Result

__all__ = ["SOLVERS", "Result", "solve"]


def __getattr__(name: str) -> Any:
    # Options ask for names alone, and numpy takes a while to import.
    if name in ("Result", "solve"):
        from becalm_programs.solvers import driver

        return getattr(driver, name)
    raise AttributeError(f"module 'becalm_programs.solvers' has no attribute {name!r}")
