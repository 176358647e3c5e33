"""The one way to sample solutions of a program: by every verb, by evaluation, by the benchmarks.

outcome = sample(model, Relation.of(program), ProgramRequest(count=30, tier="1-opt"))
outcome.feasible, outcome.best, outcome.x[outcome.verdict.feasible]
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from torch import Tensor, nn

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.plugin.report import Progress
from becalm.sampler.step import Step
from becalm_programs.denoiser.chunks import Chunked
from becalm_programs.problem.batch import Programs
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import Relation
from becalm_programs.problem.verify import Verdict, verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.tiers import finish
from becalm_programs.tier import Tier


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """The estimates at one step of the path, rounded as they would be decoded there, judged on the original rows.

    Attributes:
        t: Time of the level, 0 is clean.
        violation: Mean over samples of the worst row's.
        objective: Mean over samples.
        feasible: Share of samples.
    """

    t: float
    violation: float
    objective: float
    feasible: float


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What sampling brought.

    Attributes:
        x: (K, n) solutions.
        entries: (K, N) likelihoods that they were made from, so that ``tiers.finish`` can go on to another tier.
        verdict: Of each, on the original rows.
        tier: What was done to them.
        seconds: Wall-clock of sampling, tier and verification; reading and loading are not in it, nor are marks.
        calls: Times that the network was called.
        marks: The path, if it was watched.
    """

    program: Program
    x: Array
    entries: Array
    verdict: Verdict
    tier: Tier
    seconds: float
    calls: int
    marks: tuple[Mark, ...] = ()

    @property
    def found(self) -> int:
        """How many samples are feasible."""
        return int(self.verdict.feasible.sum())

    @property
    def feasible(self) -> float:
        """Share of samples that are."""
        return self.found / len(self.x)

    @property
    def objectives(self) -> Array:
        """(found,) of the feasible samples, in the original's sense, best first."""
        values = np.sort(self.verdict.objective[self.verdict.feasible])
        return values[::-1] if self.program.maximise else values

    @property
    def best(self) -> float | None:
        """Best objective of a feasible sample; None if there is none."""
        return float(self.objectives[0]) if self.found else None

    @property
    def distinct(self) -> int:
        """Different solutions among the feasible samples."""
        return len(np.unique(self.x[self.verdict.feasible], axis=0)) if self.found else 0

    @property
    def hamming(self) -> float | None:
        """Mean over pairs of feasible samples of the number of variables in which they differ; None without a pair."""
        return hamming(self.x[self.verdict.feasible])

    @property
    def per_feasible(self) -> float | None:
        """Seconds for each feasible sample; None if there is none."""
        return self.seconds / self.found if self.found else None


def sample(model: Model[Programs], relation: Relation, request: ProgramRequest) -> Outcome:
    """Samples without a word on the way; see ``draw``."""
    for report in draw(model, relation, request):
        if isinstance(report, Outcome):
            return report
    raise RuntimeError("sampling ended without an outcome")


def draw(
    model: Model[Programs], relation: Relation, request: ProgramRequest, *, watch: bool = False
) -> Iterator[Progress | Mark | Outcome]:
    """Samples solutions of a program; progress comes on the way, and marks if it is watched; the outcome last.

    Sample i of a seed is the same whatever the count and the batch; with a network up to last bits, which can decide
    between entries that are worth the same.

    Args:
        relation: The program; ``request.model`` is not looked at.
        watch: Judge the estimates of each step, which takes time that does not count.

    Raises:
        UserError: If the samples are not finite, or the request asks for a solver that is not installed.
    """
    request = settled(model, request)
    # On a CPU the network is called in chunks; a GPU would starve on them.
    calls = _Counted(Chunked(model.network) if model.device.type == "cpu" else model.network)
    model = replace(model, network=calls)
    begun, watching = time.perf_counter(), _Watch(relation)
    found: list[Array] = []
    total = -(-request.count // request.batch) * request.updates
    for run in model.runs(request, Programs((relation,), (0,) * request.count)):
        end: Tensor | None = None
        for step in run:
            end = step.x
            if watch:
                yield watching.see(step, _entries(model, relation, step.x0))
            yield Progress(len(found) * request.updates + step.index + 1, total, "sampling")
        if end is None:
            raise RuntimeError("a sampler ended without a step")
        found.append(_entries(model, relation, end))
    yield Progress(total, total, f"tier {request.tier}")
    entries = np.concatenate(found)
    x = finish(relation, entries, request.tier)
    verdict = verify(relation.program, x)
    seconds = time.perf_counter() - begun - watching.seconds
    yield Outcome(relation.program, x, entries, verdict, request.tier, seconds, calls.count, watching.marks())


def settled(model: Model[Programs], request: ProgramRequest) -> ProgramRequest:
    """The request with the model's own defaults; at tier unguided nothing guides."""
    made = cast(ProgramRequest, model.settled(request))
    if made.tier == "unguided":
        return made.model_copy(update={"guidance": 0.0, "objective": 0.0, "descend": 0.0})
    return made


def hamming(x: Array) -> float | None:
    """Mean over pairs of rows of x (K, n) of the number of entries in which they differ; None for less than two."""
    count = len(x)
    if count < 2:
        return None
    # Sorted, equal values of a variable are neighbours: the j-th of a run is equal to the j before it.
    ordered = np.sort(x, axis=0)
    fresh = np.ones(ordered.shape, dtype=bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    place = np.arange(count)[:, None]
    begin = np.maximum.accumulate(np.where(fresh, place, 0), axis=0)
    equal = int((place - begin).sum())
    pairs = count * (count - 1) // 2
    return float((pairs * x.shape[1] - equal) / pairs)


class _Counted(nn.Module):
    """A network that counts its calls; a hook would count those of others who share it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.count = 0

    def forward(self, x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
        """The network's output."""
        self.count += 1
        output: Tensor = self.network(x, level, cond)
        return output


class _Watch:
    """Judges estimates on the way, batch after batch, and knows how long that took."""

    def __init__(self, relation: Relation) -> None:
        self.seconds = 0.0
        self._relation = relation
        self._seen: dict[int, tuple[float, list[Verdict]]] = {}

    def see(self, step: Step, entries: Array) -> Mark:
        """Looks at the estimates (K, N) of one step; of all batches so far."""
        begun = time.perf_counter()
        x = finish(self._relation, entries, "unguided")
        _, verdicts = self._seen.setdefault(step.index, (float(step.level.t), []))
        verdicts.append(verify(self._relation.program, x))
        mark = _mark(float(step.level.t), verdicts)
        self.seconds += time.perf_counter() - begun
        return mark

    def marks(self) -> tuple[Mark, ...]:
        """One for each step, over the samples of all batches."""
        return tuple(_mark(t, verdicts) for _, (t, verdicts) in sorted(self._seen.items()))


def _mark(t: float, verdicts: list[Verdict]) -> Mark:
    means = [
        float(np.concatenate([getattr(verdict, name) for verdict in verdicts]).mean())
        for name in ("max_violation", "objective", "feasible")
    ]
    return Mark(t, *means)


def _entries(model: Model[Programs], relation: Relation, x0: Tensor) -> Array:
    """Samples of x as likelihoods (K, N) in [0, 1].

    Raises:
        UserError: If they are not finite.
    """
    p = ((1 + model.decode(x0)) / 2).cpu().double().numpy().reshape(-1, relation.bits.size)
    if not np.isfinite(p).all():
        raise UserError("the samples are not finite: lower the guidance, or take more steps")
    return np.asarray(np.clip(p, 0.0, 1.0))
