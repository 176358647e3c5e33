"""What a network buys: the best of its samples beside the best of those that the relaxation makes in the same time."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from becalm.model import Model
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample
from becalm_programs.sampling.worth import Worth
from becalm_programs.tier import Tier

PATIENCE = 300
"""Of both, whatever a checkpoint has as default."""
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Compared:
    """One instance.

    Attributes:
        network, relaxation: Objective of the best feasible solution; nan if there is none.
        seconds: That the network took, and the other was given. samples: Of each.
        gain: By how much the network's is better, a share of the larger of both.
    """

    network: float
    relaxation: float
    seconds: float
    samples: tuple[int, int]
    gain: float


def compare(
    model: Model[ProblemBatch],
    without: Model[ProblemBatch],
    form: StandardForm,
    *,
    tier: Tier,
    count: int,
    seed: int,
    calls: tuple[int, int] | None = None,
    clock: Clock = time.process_time,
) -> Compared:
    """Samples with the network, then without it in batches of as many until the time is over, which all use.

    Args:
        calls: Steps of sampling with the network, and without it; default: each model's own.
    """
    request = ProgramRequest(count=count, seed=seed, tier=tier, patience=PATIENCE)
    with_network, without_network = _steps(request, calls)
    begun = clock()
    mine = best(model, form, with_network)
    seconds, begun = clock() - begun, clock()
    theirs, batches = np.nan, 0
    while not batches or clock() - begun < seconds:
        found = best(without, form, without_network.model_copy(update={"first": count * batches}))
        theirs = np.fmin(theirs, found)
        batches += 1
    sign = -1.0 if form.program.maximise else 1.0
    return Compared(sign * mine, sign * float(theirs), seconds, (count, count * batches), gain(mine, float(theirs)))


def worth(compared: Iterable[Compared], tier: Tier) -> Worth:
    """The mean gain with its 95 % interval by Student's t; of one instance it is unbounded."""
    from scipy.stats import t

    rows = list(compared)
    gains = np.array([row.gain for row in rows])
    mean, half = float(gains.mean()), float("inf")
    if len(gains) > 1:
        half = float(t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
    return Worth(mean, mean - half, mean + half, len(gains), rows[0].samples[0], tier)


def comparisons(
    model: Model[ProblemBatch],
    without: Model[ProblemBatch],
    forms: Iterable[StandardForm],
    *,
    tier: Tier,
    count: int,
    seed: int,
    calls: tuple[int, int] | None = None,
) -> Iterator[Compared]:
    """One after another; what is compiled at first use is so before the first."""
    for number, form in enumerate(forms):
        if not number:
            for each in (model, without):
                sample(each, form, ProgramRequest(count=2, seed=seed, tier=tier, patience=1, steps=1))
        yield compare(model, without, form, tier=tier, count=count, seed=seed, calls=calls)


def _steps(request: ProgramRequest, calls: tuple[int, int] | None) -> tuple[ProgramRequest, ProgramRequest]:
    if calls is None:
        return request, request
    with_network, without_network = (request.model_copy(update={"steps": steps}) for steps in calls)
    return with_network, without_network


def best(model: Model[ProblemBatch], form: StandardForm, request: ProgramRequest) -> float:
    """Cost of the best feasible sample, nan if there is none."""
    objectives = sample(model, form, request).objectives
    sign = -1.0 if form.program.maximise else 1.0
    return float((sign * objectives).min()) if len(objectives) else float("nan")


def gain(mine: float, theirs: float) -> float:
    """By how much a cost is lower than another, a share of the larger; 1 and -1 where one is nan, 0 where both are."""
    if np.isnan(mine) or np.isnan(theirs):
        return float(np.isnan(theirs)) - float(np.isnan(mine))
    return (theirs - mine) / max(abs(mine), abs(theirs), 1e-12)
