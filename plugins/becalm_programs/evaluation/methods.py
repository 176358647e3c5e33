"""What an evaluation compares, and how each method makes its cell of an instance.

Sampling is done once for the tiers that share it; each tier's seconds are those that it alone would have taken. Seconds
hold everything from the program in memory to verified solutions: a method's own preparations, linear relaxation and
verification included. Greedy ends with moves of one variable; with the moves of tier 1-opt it is a method of its own.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from becalm.errors import UserError
from becalm.model import Model
from becalm_programs.evaluation.baselines import MAKERS, none, starter
from becalm_programs.evaluation.judge import Cell
from becalm_programs.evaluation.task import Attempt, Method, Task
from becalm_programs.opening import model_of
from becalm_programs.options import EvaluateOptions, MethodName
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample, with_defaults
from becalm_programs.sampling.outcome import hamming
from becalm_programs.sampling.tiers import carry_out
from becalm_programs.solvers.registry import SOLVERS, find
from becalm_programs.tier import Tier

TITLES: dict[MethodName, str] = {
    "no-network": "no network",
    "greedy": "greedy",
    "randomised-greedy": "randomised greedy",
    "local": "randomised greedy, 1-opt",
    "rounding": "LP rounding",
    "search": "search",
    **{name: find(name).title for name in SOLVERS},
}
_FIELDS = ("sampler", "steps", "guidance", "objective_weight")


def methods(options: EvaluateOptions, kind: MethodName, checkpoint: str | None = None) -> list[Method]:
    """The rows of one kind: for sampling one per tier, else one.

    Args:
        checkpoint: Of kind ``network``.

    Raises:
        UserError: If there is no such checkpoint, or a sampling setting is out of range.
    """
    if kind in ("network", "no-network"):
        return [_at_tier(options, kind, checkpoint, tier) for tier in options.tiers]
    settings: dict[str, Any] = {}
    if kind in SOLVERS:
        settings = {"seconds": options.seconds, "threads": options.threads}
    elif kind != "greedy":
        settings = {"samples": options.samples, "seed": options.seed}
        settings |= {"seconds": options.seconds} if kind in ("rounding", "search") else {}
        settings |= {"from": starter()} if kind == "search" else {}
    return [Method(TITLES[kind], kind, settings)]


def work(task: Task) -> list[Cell]:
    """The cells of a task; this is what a worker does. What fails for a reason that can be told has it as its note."""
    kind, begun = task.methods[0].kind, time.perf_counter()
    try:
        with _threads(task.options.threads):
            if kind in ("network", "no-network"):
                return _sample_tiers(task)
            return [_cell(task, task.methods[0], MAKERS[kind](task))]
    except UserError as error:
        asked = 1 if kind in ("greedy", *SOLVERS) else task.options.samples
        x = none(task)
        nothing = Attempt(x, verify(task.program, x), asked, time.perf_counter() - begun, note=str(error))
        return [_cell(task, method, nothing) for method in task.methods]


def _request(options: EvaluateOptions, checkpoint: str | None, tier: Tier) -> ProgramRequest:
    given = {name: value for name in _FIELDS if (value := getattr(options, name)) is not None}
    made = model_of(checkpoint, options.device)
    request = made.request(**given, count=options.samples, seed=options.seed, tier=tier)
    return with_defaults(made, cast(ProgramRequest, request))


def _at_tier(options: EvaluateOptions, kind: MethodName, checkpoint: str | None, tier: Tier) -> Method:
    request = _request(options, checkpoint, tier)
    # The number of samples at a time changes nothing, and a model is known by its instance.
    settings = request.model_dump(mode="json", exclude={"model", "batch"})
    settings |= {"checkpoint": model_of(checkpoint, options.device).digest, "threads": options.threads}
    settings["device"] = options.device
    label = TITLES[kind] if kind == "no-network" else _label(options, checkpoint)
    return Method(f"{label}, {tier}", kind, settings, checkpoint, tier)


def _label(options: EvaluateOptions, checkpoint: str | None) -> str:
    """What a network is called: by its file without folder and suffix, where that tells it from the others."""
    if options.checkpoint is None or checkpoint is None:
        return "network"
    short = [Path(name).name.removesuffix(".safetensors") for name in options.checkpoint]
    own = short[options.checkpoint.index(checkpoint)]
    return own if short.count(own) == 1 else checkpoint


def _sample_tiers(task: Task) -> list[Cell]:
    """One cell per tier; unguided samples are others than the rest, which share theirs."""
    made = model_of(task.methods[0].checkpoint, task.options.device)
    begun = time.perf_counter()
    form = StandardForm.of(task.program)
    ready = time.perf_counter() - begun
    cells: list[Cell] = []
    for plain in (True, False):
        shared = [method for method in task.methods if (method.tier == "unguided") == plain]
        if shared:
            cells += _tiers(task, shared, made, form, ready)
    return cells


def _tiers(
    task: Task, shared: Sequence[Method], made: Model[ProblemBatch], form: StandardForm, ready: float
) -> Iterator[Cell]:
    least: Tier = "unguided" if shared[0].tier == "unguided" else "guided"
    outcome = sample(made, form, _request(task.options, shared[0].checkpoint, least))
    for method in shared:
        seconds, x, verdict = ready + outcome.seconds, outcome.x, outcome.verdict
        if method.tier is not None and method.tier != least:
            begun = time.perf_counter()
            samples = carry_out(form, outcome.marginals, method.tier)
            x, verdict = samples.x, samples.verdict
            seconds += time.perf_counter() - begun
        yield _cell(task, method, Attempt(x, verdict, task.options.samples, seconds))


def _cell(task: Task, method: Method, made: Attempt) -> Cell:
    verdict, good = made.verdict, made.x[made.verdict.feasible]
    # What was asked for and not made is not feasible.
    values: list[float | None] = [None] * made.asked
    for place in np.flatnonzero(verdict.feasible):
        values[place] = float(verdict.objective[place])
    return Cell(
        instance=task.instance,
        digest=task.digest,
        method=method.name,
        key=method.key,
        maximise=task.program.maximise,
        objective=tuple(values),
        distinct=len(np.unique(good, axis=0)) if len(good) else 0,
        hamming=hamming(good),
        worst=float(verdict.max_violation.max()) if len(made.x) else None,
        seconds=made.seconds,
        trajectory=tuple(made.trajectory),
        note=made.note,
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """torch on so many threads for the length of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
