"""A pool of good and different solutions of one program: what a denoiser learns from.

Half of the limit goes into one solution as good as can be: randomised greedy, a solver if one is named, then
large-neighbourhood search. The other half starts again and again from a solution of the pool with perturbed costs
(each multiplied by exp(spread * normal)), searches for a few steps, and takes what that finds back to the true costs
by 1-opt; in between, solutions of the pool are ruined and recreated by greedy, a few at a time, or made anew by a
greedy that is the program's own. What is more than 5 % off the best is dropped; of the rest, the best is kept, then
always the one that differs most from those kept.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import factors, greedy, recreate
from becalm_programs.search.large.lns import Limit, Search, near
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.structure.columns import Columns, Indices
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


@dataclass(slots=True, eq=False)
class Pool:
    """Solutions found so far.

    Attributes:
        program: Whose.
        gap: How far off the best a solution may be, as a share of the best objective.
    """

    program: Program
    gap: float = 0.05
    _found: dict[bytes, tuple[float, Array]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, x: Array) -> bool:
        """Takes a solution (n,) in if it verifies; whether it is within the gap."""
        if not verify(self.program, x[None]).feasible[0]:
            return False
        value = float(self.program.cost @ x)
        self._found.setdefault(x.tobytes(), (value, x.copy()))
        return value <= self._worst()

    def all(self) -> Array:
        """(P, n) those within the gap, the best first."""
        worst = self._worst()
        kept = sorted((value, key) for key, (value, _) in self._found.items() if value <= worst)
        # What has fallen behind never comes back.
        self._found = {key: self._found[key] for _, key in kept}
        return np.stack([x for _, x in self._found.values()]) if kept else np.zeros((0, len(self.program.cost)))

    def choose(self, count: int) -> Array:
        """(K, n) at most ``count`` within the gap: the best, then always the one farthest from those chosen."""
        known = self.all()
        if len(known) <= count:
            return known
        chosen = [0]
        distance = (known != known[0]).sum(axis=1)
        while len(chosen) < count:
            chosen.append(int(distance.argmax()))
            distance = np.minimum(distance, (known != known[chosen[-1]]).sum(axis=1))
        places: Indices = np.sort(np.array(chosen))
        return known[places]

    def _worst(self) -> float:
        """The largest value of the minimisation within the gap."""
        best = min((value for value, _ in self._found.values()), default=math.inf)
        return best + self.gap * abs(best + self.program.offset) + 1e-9


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
    pool = Pool(program, gap)
    for start in greedy(columns, _STARTS, generator=generator):
        pool.add(oneopt(columns, start[None])[0])
    if solver is not None and limit.left > 0:
        result = solve(program, solver, seconds=_SOLVED * limit.left, threads=1)
        if result.x is not None:
            pool.add(result.x)
    if not len(pool) and (first := _first(program, limit)) is not None:
        pool.add(first)
    if len(pool):
        _search(columns, pool, limit, generator, spread)
    chosen = pool.choose(count)
    return chosen, objective(program, chosen)


def _search(columns: Columns, pool: Pool, limit: Limit, generator: np.random.Generator, spread: float) -> None:
    program = columns.program
    search = Search(columns, generator)
    if math.isfinite(limit.seconds):
        search.part_seconds = float(np.clip(limit.seconds / 10, 0.1, 3.0))
    best = pool.all()[0]
    search.nearness = near(columns, best, max(_RELAX * limit.left, 0.01))

    def take(x: Array) -> None:
        pool.add(x)

    pool.add(search.improve(best, limit, until=0.5, others=pool.all(), on_incumbent=take))
    # Where greedy has a way of its own, its general way comes to nothing.
    known = recognise(program) is not None
    ruined = 0.2 if program.binary.all() and not known else 0.0
    while not limit.over:
        others = pool.all()
        base = others[int(generator.integers(len(others)))]
        cost = program.cost * factors(2, len(base), spread, generator)[1]
        on_the_way = [base]
        search.improve(base, limit, steps=_STEPS, cost=cost, others=others, on_incumbent=on_the_way.append)
        near_enough = [pool.add(x) for x in oneopt(columns, np.stack(on_the_way))]
        if not near_enough[-1]:
            spread *= 0.8
        if known and not limit.over:
            for x in greedy(columns, _BATCH, spread=_APART, generator=generator)[1:]:
                pool.add(oneopt(columns, x[None])[0])
        if ruined and not limit.over:
            chosen = others[generator.integers(len(others), size=_BATCH)]
            taken = [pool.add(x) for x in recreate(columns, chosen, ruined, spread, generator)]
            ruined = float(np.clip(ruined * (1.1 if sum(taken) > _BATCH / 2 else 0.8), 0.01, 0.5))


def _first(program: Program, limit: Limit) -> Array | None:
    """The first solution that HiGHS comes upon."""
    model = highs.load(program)
    model.setOptionValue("mip_max_improving_sols", 1)
    highs.run(model, max(_FIRST * limit.left, 0.01))
    x = highs.solution(model)
    return None if x is None else mend(program, x)
