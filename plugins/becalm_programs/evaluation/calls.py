"""How many calls of the network suit a family: each number has the same time, and the nearest to the best wins."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from becalm.model import Model
from becalm_programs.evaluation.worth import PATIENCE, Clock, best, gain
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample
from becalm_programs.tier import Tier


@dataclass(frozen=True, slots=True)
class Tried:
    """One instance.

    Attributes:
        costs: Of each number of calls, the cost of the best feasible solution; nan if there is none.
        samples: How many of each there was time for. seconds: That each had.
    """

    costs: tuple[float, ...]
    samples: tuple[int, ...]
    seconds: float

    @property
    def behind(self) -> tuple[float, ...]:
        """By how much each is behind the best of all, a share of the larger of both; 1 where it found nothing."""
        least = float(np.nanmin(self.costs)) if np.isfinite(self.costs).any() else float("nan")
        return tuple(gain(least, cost) for cost in self.costs)


def tried(
    model: Model[ProblemBatch],
    forms: Iterable[StandardForm],
    calls: Sequence[int],
    *,
    tier: Tier,
    count: int,
    seed: int,
    clock: Clock = time.process_time,
) -> Iterator[Tried]:
    """Instance by instance: ``count`` samples by the most calls, and in their time as many by each other number.

    Args:
        calls: Numbers of calls to compare, none twice.
    """
    for number, form in enumerate(forms):
        if not number:  # What is compiled at first use is so before the first.
            sample(model, form, ProgramRequest(count=2, seed=seed, tier=tier, patience=1, steps=1))
        seconds, most = 0.0, max(calls)
        costs, samples = dict[int, float](), dict[int, int]()
        for steps in sorted(calls, reverse=True):
            request = ProgramRequest(count=count, seed=seed, tier=tier, patience=PATIENCE, steps=steps)
            begun, cost, batches = clock(), float("nan"), 0
            while not batches or clock() - begun < seconds:
                found = best(model, form, request.model_copy(update={"first": count * batches}))
                cost, batches = float(np.fmin(cost, found)), batches + 1
            if steps == most:
                seconds = clock() - begun
            costs[steps], samples[steps] = cost, count * batches
        yield Tried(tuple(costs[steps] for steps in calls), tuple(samples[steps] for steps in calls), seconds)


def nearest(rows: Sequence[Tried], calls: Sequence[int]) -> int:
    """The number of calls that is the least behind on the mean; of those equally far the fewest."""
    behind = np.mean([row.behind for row in rows], axis=0)
    return min(zip(behind.round(12).tolist(), calls, strict=True))[1]
