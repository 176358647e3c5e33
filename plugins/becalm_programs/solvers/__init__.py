"""Solvers as oracles, baselines and finishers: HiGHS, CBC and SCIP. Each is imported when it is first asked for."""

from becalm_programs.solvers.result import SOLVERS, Run, solve

__all__ = ["SOLVERS", "Run", "solve"]
