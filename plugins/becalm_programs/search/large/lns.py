"""Large-neighbourhood search (Shaw 1998): most variables are held, the others are solved for by a small HiGHS run.

The share that is set free follows the outcome: a part that was solved to the end is grown next time, one that was not
is shrunk. Kinds of neighbourhood are drawn by how often they have helped.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.large.neighbourhood import NEIGHBOURHOODS, Scene
from becalm_programs.search.structure.columns import Columns
from becalm_programs.solvers import highs
from becalm_programs.solvers.complete import relax
from becalm_programs.solvers.continuous import mend
from becalm_programs.solvers.part import part

# Shares of the variables to set free; what the relaxation picks is the hard core, of which less can be solved at once.
_LEAST, _MOST = 0.02, 1.0
_FIRST = {**dict.fromkeys(NEIGHBOURHOODS, 0.3), "relaxed": 0.1}
# So few variables are set free at first in any case.
_SMALL = 50


@dataclass(slots=True)
class Limit:
    """When to stop: the first of the two.

    Attributes:
        seconds: Wall-clock.
        steps: Steps; a search without a limit in seconds depends on its seed alone.
        done: Steps taken.
    """

    seconds: float = math.inf
    steps: float = math.inf
    done: int = 0
    _begun: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.seconds - (time.perf_counter() - self._begun)

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.done >= self.steps or self.left <= 0

    @property
    def spent(self) -> float:
        """Share of the limit that is used up, 0 to 1."""
        seconds = 1 - max(self.left, 0) / self.seconds if math.isfinite(self.seconds) else 0.0
        return min(1.0, max(seconds, self.done / self.steps))


@dataclass(slots=True, eq=False)
class Search:
    """A search on one program, which learns how much to set free as it goes.

    Attributes:
        columns: The program.
        generator: Randomness.
        nearness: (n,) from the linear relaxation, see ``near``; None to do without.
        worth: Of each neighbourhood, how often it has helped lately.
        part_seconds: Longest run on a part.
        part_nodes: Most nodes of such a run.
        share: Of each neighbourhood, how much of the variables to set free.
    """

    columns: Columns
    generator: np.random.Generator
    nearness: Array | None = None
    worth: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NEIGHBOURHOODS, 1.0))
    part_seconds: float = 1.0
    part_nodes: int = 200
    share: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        least = min(_MOST, _SMALL / len(self.columns.program.cost))
        self.share = {kind: max(share, least) for kind, share in _FIRST.items()}

    def improve(
        self,
        x: Array,
        limit: Limit,
        *,
        until: float = 1.0,
        steps: float = math.inf,
        cost: Array | None = None,
        others: Array | None = None,
        on_incumbent: Callable[[Array], None] | None = None,
    ) -> Array:
        """A feasible solution (n,) that is not worse than x.

        Args:
            x: (n,) verified solution.
            limit: When to stop; its steps are counted on.
            until: Share of the limit at which to stop.
            steps: Most steps to take here.
            cost: (n,) in place of the program's.
            others: (P, n) good solutions to cross with.
            on_incumbent: Told of each solution on the way that is better than those before.
        """
        aim = self.columns.program.cost if cost is None else cost
        pool = np.zeros((0, len(x))) if others is None else others
        end = limit.done + steps
        while not limit.over and limit.spent < until and limit.done < end:
            limit.done += 1
            kind = self._kind()
            free = NEIGHBOURHOODS[kind](
                Scene(self.columns, x, pool, self.nearness, self.generator), max(2, round(self.share[kind] * len(x)))
            )
            candidate, solved = self._solve(x, free, aim, min(limit.left, self.part_seconds))
            value, least = float(aim @ x), math.inf if candidate is None else float(aim @ candidate)
            better = least < value - 1e-9 * max(1.0, abs(value))
            self._learn(kind, solved, better)
            if candidate is not None and least <= value:
                x = candidate
                if better and on_incumbent is not None:
                    on_incumbent(x)
            if solved and free.all():
                # That was the whole program: there is nothing better.
                break
        return x

    def _kind(self) -> str:
        names = sorted(NEIGHBOURHOODS)
        worth = np.array([self.worth[name] for name in names])
        return names[int(self.generator.choice(len(names), p=worth / worth.sum()))]

    def _learn(self, kind: str, solved: bool, better: bool) -> None:
        self.share[kind] = float(np.clip(self.share[kind] * (1.2 if solved else 0.75), _LEAST, _MOST))
        self.worth[kind] = max(0.1, 0.85 * self.worth[kind] + 0.15 * (1.0 if better else 0.0))

    def _solve(self, x: Array, free: Mask, cost: Array, seconds: float) -> tuple[Array | None, bool]:
        """The part set free, solved: the whole solution, and whether it was solved to the end."""
        program = self.columns.program
        left = part(program, x, free, cost)
        model = highs.load(left)
        model.setOptionValue("mip_max_nodes", self.part_nodes)
        highs.hint(model, x[left.free])
        highs.run(model, seconds)
        values = highs.solution(model)
        solved = highs.status(model, has_solution=False) == "optimal"
        if values is None:
            return None, solved
        candidate = x.copy()
        candidate[left.free] = values
        return mend(program, candidate), solved


def near(columns: Columns, x: Array, seconds: float) -> Array | None:
    """(n,) how firmly the linear relaxation holds each variable; None if it was not solved in time.

    A variable that is not where the relaxation has it is not held at all; the others by their reduced costs, in units
    of the largest.
    """
    relaxation = relax(columns.program, seconds)
    if relaxation.x is None or relaxation.reduced_cost is None:
        return None
    reduced = np.abs(relaxation.reduced_cost)
    return np.where(np.abs(relaxation.x - x) > 0.1, 0.0, reduced / max(1e-12, float(reduced.max())))
