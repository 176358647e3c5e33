"""Whether default settings find feasible solutions of small programs of ten kinds, how good they are, and in what time.

    python benchmarks/feasible.py [--instances 5] [--count 64] [--tier guided] [--kinds "job shop,tour"] [--seed 0]

For each kind, instances of seeds 0, 1, ...; HiGHS says which of them are feasible, and the optimum. Printed are the
share of feasible programs of which a feasible solution was found, the share of feasible samples, different ones among
these, the mean gap of the best of an instance's samples to the optimum, and processor time of one thread for all
samples of an instance, beside HiGHS'. What is compiled is compiled before the clock starts.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch

from becalm_programs.families.everyday import KINDS
from becalm_programs.problem.program import Program
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.solutions import solutions
from becalm_programs.solvers import solve

SECONDS = 60.0
"""Wall-clock that HiGHS may take for an instance."""


@dataclass(frozen=True)
class Case:
    """One feasible instance: what sampling and HiGHS made of it, in processor seconds."""

    found: int
    count: int
    distinct: int
    gap: float
    seconds: float
    solver_seconds: float


def case(program: Program, count: int, tier: str, seed: int) -> Case | None:
    """One instance; None if it is infeasible."""
    begun = time.process_time()
    best = solve(program, "highs", seconds=SECONDS)
    solver_seconds = time.process_time() - begun
    if best.x is None:
        return None
    begun = time.process_time()
    outcome = solutions(program, count, tier=tier, seed=seed)
    seconds = time.process_time() - begun
    return Case(outcome.found, count, outcome.distinct, gap(outcome, best.objective), seconds, solver_seconds)


def gap(outcome: Outcome, optimum: float) -> float:
    """|best - optimum| / max of both; nan if nothing was found."""
    if outcome.best is None:
        return float("nan")
    largest = max(abs(outcome.best), abs(optimum))
    return abs(outcome.best - optimum) / largest if largest > 0 else 0.0


def line(kind: str, cases: list[Case]) -> str:
    """One row of the table."""
    gaps = [100 * case.gap for case in cases if case.found]
    figures = (
        f"{len(cases)}",
        f"{np.mean([case.found > 0 for case in cases]):.1%}",
        f"{sum(case.found for case in cases) / sum(case.count for case in cases):.1%}",
        f"{np.mean([case.distinct for case in cases]):.1f}",
        f"{np.mean(gaps):.2f}" if gaps else "none",
        f"{np.mean([case.seconds for case in cases]):.2f}",
        f"{np.mean([case.solver_seconds for case in cases]):.2f}",
    )
    return f"{kind:16}" + "".join(figure.rjust(11) for figure in figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=5)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--tier", default="guided")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    kinds = chosen.kinds.split(",")
    for kind in ("lot sizing", "assignment"):
        solutions(KINDS[kind](0), 2, tier=chosen.tier)
    columns = ("programs", "solved", "feasible", "distinct", "gap %", "seconds", "HiGHS")
    print(f"{'kind':16}" + "".join(word.rjust(11) for word in columns))
    for kind in kinds:
        cases = [case(KINDS[kind](seed), chosen.count, chosen.tier, chosen.seed) for seed in range(chosen.instances)]
        feasible = [each for each in cases if each is not None]
        print(line(kind, feasible) if feasible else f"{kind:16} no feasible instance", flush=True)


if __name__ == "__main__":
    main()
