"""What sampling is compared with: how greedy, rounding, search and solvers make their solutions of a task."""

import time
import zlib
from collections.abc import Callable

import numpy as np

from becalm_programs.evaluation.task import Attempt, Task
from becalm_programs.options import MethodName
from becalm_programs.problem.program import Array
from becalm_programs.problem.verify import verify
from becalm_programs.search.greedy import greedy
from becalm_programs.search.large.lns import Limit
from becalm_programs.search.large.pool import gather
from becalm_programs.search.lp_rounding import randomised_rounding
from becalm_programs.search.moves.local import local
from becalm_programs.search.structure.columns import Columns
from becalm_programs.solvers import SOLVERS, solve
from becalm_programs.solvers.complete import relax
from becalm_programs.solvers.registry import installed


def _greedy(task: Task) -> Attempt:
    count = 1 if task.methods[0].kind == "greedy" else task.options.samples
    begun = time.perf_counter()
    columns = Columns.of(task.program)
    x = greedy(columns, count, generator=_generator(task))
    if task.methods[0].kind == "local":
        x = local(columns, x)
    return Attempt(x, verify(task.program, x), count, time.perf_counter() - begun)


def _rounding(task: Task) -> Attempt:
    begun = time.perf_counter()
    relaxation = relax(task.program, task.options.seconds)
    x, note = none(task), f"relaxation: {relaxation.status}"
    if relaxation.x is not None:
        x, note = randomised_rounding(task.program, relaxation.x, task.options.samples, _generator(task)), ""
    verdict = verify(task.program, x)
    return Attempt(x, verdict, task.options.samples, time.perf_counter() - begun, note=note)


def _search(task: Task) -> Attempt:
    """Large-neighbourhood search and a pool of what it finds: what networks are trained on."""
    count, limit = task.options.samples, Limit(seconds=task.options.seconds)
    begun = time.perf_counter()
    x, _ = gather(task.program, count, limit=limit, generator=_generator(task), solver=starter())
    return Attempt(x, verify(task.program, x), count, time.perf_counter() - begun)


def starter() -> str | None:
    """SCIP, where it is there, gives search its first solution."""
    return "scip" if installed("scip") else None


def _solver(task: Task) -> Attempt:
    result = solve(task.program, task.methods[0].kind, seconds=task.options.seconds, threads=task.options.threads)
    x = none(task) if result.x is None else result.x[None]
    return Attempt(x, verify(task.program, x), 1, result.seconds, result.trajectory, result.status)


def none(task: Task) -> Array:
    """(0, n): no solutions."""
    return np.zeros((0, len(task.program.cost)))


MAKERS: dict[MethodName, Callable[[Task], Attempt]] = {
    "greedy": _greedy,
    "randomised-greedy": _greedy,
    "local": _greedy,
    "rounding": _rounding,
    "search": _search,
    **dict.fromkeys(SOLVERS, _solver),
}
"""How each method but sampling makes what it makes."""


def _generator(task: Task) -> np.random.Generator:
    """Randomness of its own for each instance, whichever worker takes it and when."""
    return np.random.default_rng([task.options.seed, zlib.crc32(task.digest.encode())])
