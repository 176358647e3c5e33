"""Whether default settings find feasible solutions of small programs of ten kinds, how good they are, and in what time.

    python benchmarks/feasible.py [--instances 5] [--count 64] [--tier guided] [--kinds "job shop,tour"] [--seed 0]

For each kind, instances of seeds 0, 1, ...; HiGHS says which of them are feasible, and the optimum. Printed are the
share of feasible programs of which a feasible solution was found, the share of feasible samples, different ones among
these, the mean gap of the best of an instance's samples to the optimum, and processor time of one thread for all
samples of an instance, for the first sample alone, and HiGHS'. The last two columns are of feasibility jump alone,
walks from different points until one ends feasible: of how many programs it found a solution in 10 s, and of how many
the first sample was there more than a second later. What is compiled is compiled before the clock starts.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch

from becalm_programs.families.everyday import KINDS
from becalm_programs.problem.program import Program
from becalm_programs.propagation.rows import Rows
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.search.jump.jumper import Jumper
from becalm_programs.solutions import solutions
from becalm_programs.solvers import solve

SECONDS = 60.0
"""Wall-clock that HiGHS may take for an instance."""
JUMP_SECONDS = 10.0
"""Processor time that feasibility jump may take."""


@dataclass(frozen=True)
class Case:
    """One feasible instance: what sampling and HiGHS made of it, in processor seconds."""

    found: int
    count: int
    distinct: int
    gap: float
    seconds: float
    solver_seconds: float
    first_seconds: float
    jump_seconds: float


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
    begun = time.process_time()
    first = solutions(program, 1, tier=tier, seed=seed)
    first_seconds = time.process_time() - begun if first.found else float("inf")
    far, jump_seconds = gap(outcome, best.objective), jumped(program, seed)
    return Case(outcome.found, count, outcome.distinct, far, seconds, solver_seconds, first_seconds, jump_seconds)


def jumped(program: Program, seed: int) -> float:
    """Seconds until feasibility jump alone has a solution, from zeros and then from anywhere; inf after 10."""
    begun = time.process_time()
    walker = Jumper(program, Rows.of(program), program.low, program.high)
    rng, sure = np.random.default_rng(seed), np.zeros(len(program.cost))
    wide = np.minimum(program.high, program.low + 100)
    x, number = np.clip(np.zeros(len(program.cost)), program.low, program.high), 0
    while walker.walk(x, sure, number, 5000) is None:
        if time.process_time() - begun > JUMP_SECONDS:
            return float("inf")
        x, number = rng.uniform(program.low, wide), number + 1
    return time.process_time() - begun


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
        f"{np.mean([case.first_seconds for case in cases]):.2f}",
        f"{np.mean([case.solver_seconds for case in cases]):.2f}",
        f"{np.mean([case.jump_seconds < np.inf for case in cases]):.1%}",
        f"{sum(case.first_seconds > case.jump_seconds + 1 for case in cases)}",
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
    jumped(KINDS["assignment"](0), 0)
    columns = ("programs", "solved", "feasible", "distinct", "gap %", "seconds", "first", "HiGHS", "jump", "later")
    print(f"{'kind':16}" + "".join(word.rjust(11) for word in columns))
    for kind in kinds:
        cases = [case(KINDS[kind](seed), chosen.count, chosen.tier, chosen.seed) for seed in range(chosen.instances)]
        feasible = [each for each in cases if each is not None]
        print(line(kind, feasible) if feasible else f"{kind:16} no feasible instance", flush=True)


if __name__ == "__main__":
    main()
