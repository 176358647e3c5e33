"""The one way to sample solutions of a program: by every verb, by evaluation, by the benchmarks.

outcome = sample(model, StandardForm.of(program), ProgramRequest(count=30, tier="1-opt"))
outcome.feasible, outcome.best, outcome.x[outcome.verdict.feasible]
"""

import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import cast

import numpy as np
from torch import Tensor

from becalm.cond import take
from becalm.model import Model
from becalm.plugin.report import Progress
from becalm.sampler import Step
from becalm_programs.denoiser.chunks import Chunked
from becalm_programs.denoiser.inference import Inference
from becalm_programs.denoiser.network import Bipartite
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.program import Array
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import Verdict
from becalm_programs.propagation.tighten import tighten
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.outcome import Mark, Outcome
from becalm_programs.sampling.samples import Samples
from becalm_programs.sampling.tiers import carry_out


def sample(model: Model[ProblemBatch], form: StandardForm, request: ProgramRequest) -> Outcome:
    """Samples without a word on the way; see ``draw``."""
    *_, outcome = draw(model, form, request)
    return cast(Outcome, outcome)


def draw(
    model: Model[ProblemBatch], form: StandardForm, request: ProgramRequest, *, watch: bool = False
) -> Iterator[Progress | Mark | Outcome]:
    """Samples solutions of a program; progress comes on the way, and marks if it is watched; the outcome last.

    Sample i of a seed is the same whatever the count and the batch; with a network up to last bits, which can decide
    between entries that are worth the same.

    Args:
        form: The program; ``request.model`` is not looked at.
        watch: Judge the estimates of each step, which takes time that does not count.

    Raises:
        UserError: If the samples are not finite, or the request asks for a solver that is not installed.
    """
    request = with_defaults(model, request)
    begun, watching, calls = time.perf_counter(), _Watch(form), 0
    infeasible = tighten(form.program).proof
    if infeasible:
        samples = replace(_undrawn(form, request.count), infeasible=infeasible)
    else:
        model = _in_chunks(model)
        drawing = model.prepare(request).drawing(ProblemBatch((form,), (0,) * request.count))
        for step in drawing:
            if watch:
                yield watching.see(step, _marginals(form, model.decode(step.x0, take(drawing.cond, drawing.part))))
            yield Progress(drawing.done, drawing.total, "sampling")
        yield Progress(drawing.total, drawing.total, f"tier {request.tier}")
        samples, calls = carry_out(form, _marginals(form, drawing.drawn.data), request.tier), drawing.drawn.calls
    verdict = samples.verdict
    seconds = time.perf_counter() - begun - watching.seconds
    found = form.program, samples.x, samples.marginals, verdict
    yield Outcome(*found, request.tier, seconds, calls, watching.marks(), samples.infeasible)


def _in_chunks(model: Model[ProblemBatch]) -> Model[ProblemBatch]:
    """On a CPU the network is called in chunks; a GPU would starve on them."""
    if model.device.type != "cpu":
        return model
    network = Inference(model.network) if isinstance(model.network, Bipartite) else model.network
    return replace(model, network=Chunked(network))


def _undrawn(form: StandardForm, count: int) -> Samples:
    """Samples where none is drawn: every entry at one half."""
    return carry_out(form, np.full((count, form.encoding.size), 0.5), "unguided")


def outcome_of(reports: Iterable[Progress | Mark | Outcome]) -> Generator[Progress, None, Outcome]:
    """Passes the progress on, and returns the outcome."""
    for report in reports:
        if isinstance(report, Outcome):
            return report
        if isinstance(report, Progress):
            yield report
    raise RuntimeError("sampling ended without an outcome")


def with_defaults(model: Model[ProblemBatch], request: ProgramRequest) -> ProgramRequest:
    """The request with the model's own defaults; at tier unguided nothing guides."""
    request = cast(ProgramRequest, model.with_defaults(request))
    if request.tier == "unguided":
        return request.model_copy(update={"guidance": 0.0, "objective_weight": 0.0, "descend": 0.0})
    return request


class _Watch:
    """Judges estimates on the way, batch after batch, and knows how long that took."""

    def __init__(self, form: StandardForm) -> None:
        self.seconds = 0.0
        self._form = form
        self._seen: dict[int, tuple[float, list[Verdict]]] = {}

    def see(self, step: Step, marginals: Array) -> Mark:
        """Looks at the estimates (K, N) of one step; of all batches so far."""
        begun = time.perf_counter()
        _, verdicts = self._seen.setdefault(step.index, (float(step.level.t), []))
        verdicts.append(carry_out(self._form, marginals, "unguided").verdict)
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


def _marginals(form: StandardForm, data: Tensor) -> Array:
    """Samples as likelihoods (K, N) in [0, 1]."""
    p = ((1 + data) / 2).cpu().double().numpy().reshape(-1, form.encoding.size)
    return np.asarray(np.clip(p, 0.0, 1.0))
