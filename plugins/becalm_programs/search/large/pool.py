"""A pool of good and different solutions of one program: what a denoiser learns from.

Half of the limit goes into one solution as good as can be: randomised greedy, a solver if one is named, then
large-neighbourhood search. The other half starts again and again from a solution of the pool with perturbed costs
(each multiplied by exp(spread * normal)), searches for a few steps, and takes what that finds back to the true costs
by 1-opt; in between, solutions of the pool are ruined and recreated by greedy, a few at a time, or made anew by a
greedy that is the program's own. What is more than 5 % off the best is dropped; of the rest, the best is kept, then
always the one that differs most from those kept.
"""

import math

import numpy as np

from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.search.greedy import factors, greedy, recreate
from becalm_programs.search.large.lns import Limit, Search, near
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.solution_pool import Added, SolutionPool
from becalm_programs.search.structure.columns import Columns
from becalm_programs.search.structure.facility import recognise
from becalm_programs.solvers import highs, solve
from becalm_programs.solvers.continuous import mend

# Greedy solutions to begin with.
_STARTS = 4
# Steps with one set of perturbed costs.
_STEPS = 3
# Solutions recreated at a time.
_BATCH = 8
# How much costs vary between starts of a greedy that is the program's own.
_APART = 0.15
# Share of the limit for the linear relaxation, and for a first solution where greedy finds none.
_RELAX, _FIRST = 0.2, 0.4
# Share of the limit for a solver that is asked for, where the limit is in seconds.
_SOLVED = 0.5


def gather(
    program: Program,
    count: int,
    *,
    limit: Limit,
    generator: np.random.Generator,
    gap: float = 0.05,
    spread: float = 0.1,
    solver: str | None = None,
) -> tuple[Array, Array]:
    """At most ``count`` different solutions, verified, within the gap of the best of them.

    Args:
        solver: Gives a solution to begin with, in half of the limit.
        limit: In seconds or steps; with steps alone the outcome is a function of the program and the generator.
        spread: How much costs are perturbed at first; less where that leads too far off.

    Returns:
        (K, n) solutions, the best first, and (K,) objectives in the original's sense; K is 0 if nothing was found.
    """
    columns = Columns.of(program)
    pool = SolutionPool(program, gap)
    for start in greedy(columns, _STARTS, generator=generator):
        pool.add(oneopt(columns, start[None]))
    if solver is not None and limit.left > 0:
        result = solve(program, solver, seconds=_SOLVED * limit.left, threads=1)
        if result.x is not None:
            pool.add(result.x[None])
    if not len(pool) and (first := _first(program, limit)) is not None:
        pool.add(first[None])
    if len(pool):
        _search(columns, pool, limit, generator, spread)
    chosen = pool.choose(count)
    return chosen, objective(program, chosen)


def _search(columns: Columns, pool: SolutionPool, limit: Limit, generator: np.random.Generator, spread: float) -> None:
    program = columns.program
    search = Search(columns, generator)
    if math.isfinite(limit.seconds):
        search.part_seconds = float(np.clip(limit.seconds / 10, 0.1, 3.0))
    best = pool.member(0)
    search.nearness = near(columns, best, max(_RELAX * limit.left, 0.01))

    def take(x: Array) -> None:
        pool.add(x[None])

    take(search.improve(best, limit, until=0.5, others=pool.all(), on_incumbent=take))
    # Where greedy has a way of its own, its general way comes to nothing.
    known = recognise(program) is not None
    ruined = 0.2 if program.binary.all() and not known else 0.0
    while not limit.over:
        others = pool.all()
        base = others[int(generator.integers(len(others)))]
        cost = program.cost * factors(2, len(base), spread, generator)[1]
        on_the_way = [base]
        search.improve(base, limit, steps=_STEPS, cost=cost, others=others, on_incumbent=on_the_way.append)
        *before, last = oneopt(columns, np.stack(on_the_way))
        for x in before:
            take(x)
        if not _near(pool.add(last[None])):
            spread *= 0.8
        if known and not limit.over:
            for x in greedy(columns, _BATCH, spread=_APART, generator=generator)[1:]:
                pool.add(oneopt(columns, x[None]))
        if ruined and not limit.over:
            chosen = others[generator.integers(len(others), size=_BATCH)]
            taken = sum(_near(pool.add(x[None])) for x in recreate(columns, chosen, ruined, spread, generator))
            ruined = float(np.clip(ruined * (1.1 if taken > _BATCH / 2 else 0.8), 0.01, 0.5))


def _near(added: Added) -> bool:
    """Whether a solution that was handed to a pool is in it now."""
    return added.kept + added.repeated > 0


def _first(program: Program, limit: Limit) -> Array | None:
    """The first solution that HiGHS comes upon."""
    model = highs.load(program)
    model.setOptionValue("mip_max_improving_sols", 1)
    highs.run(model, max(_FIRST * limit.left, 0.01))
    x = highs.solution(model)
    return None if x is None else mend(program, x)
