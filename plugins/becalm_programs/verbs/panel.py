"""Panels of the page: solutions of a program that is uploaded or generated, and how the path came to them."""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm.provenance import record
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.write import write_solutions
from becalm_programs.opening import Opening, open_request
from becalm_programs.options import GenerateOptions, PageOptions
from becalm_programs.problem.verify import verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import draw, with_defaults
from becalm_programs.sampling.outcome import Mark, Outcome
from becalm_programs.sampling.tiers import finish
from becalm_programs.tier import Tier
from becalm_programs.views.curves import path, stacked
from becalm_programs.views.words import remarks, title

_ASKED = ("count", "seed", "sampler", "steps", "guidance", "objective_weight")
_ROWS = 20
_TOGETHER = 4
"""Samples that are finished between two reports, so that stopping never waits for long."""
_SECONDS = 10.0
_WAIT = 0.5
"""Most seconds between two pictures; the first takes long, as it imports what draws."""


def sample(options: PageOptions) -> Iterator[Report]:
    """Samples, and draws the path while it is walked.

    Raises:
        UserError: If the program cannot be read or sampled, or there is no such network.
    """
    folder = Path(options.folder)
    yield Progress(0, 1, "reading")
    file = options.model
    if file is None:
        program = generate(options.family, options.size, options.instance)
        file = str(folder / f"{program.name}.mps.gz")
        asked = GenerateOptions(family=options.family, size=options.size, seed=options.instance, count=1, out="")
        write_mps(Path(file), program, record("programs generate", asked, output=f"out/{program.name}.mps.gz"))
    fields = {name: getattr(options, name) for name in _ASKED if getattr(options, name) is not None}
    request = ProgramRequest(model=file, tier=_first(options.tier), **fields)
    opening = open_request(request, options.checkpoint, "auto")
    yield title(opening.program)
    yield opening.reason
    outcome = yield from _walk(opening, request)
    if options.tier != outcome.tier:
        begun = time.perf_counter()
        parts: list[Any] = []
        for done, x in _finish(opening, outcome, options.tier):
            parts.append(x)
            yield Progress(done, len(outcome.x), f"tier {options.tier}")
        x = np.concatenate(parts)
        seconds = outcome.seconds + time.perf_counter() - begun
        outcome = replace(outcome, x=x, verdict=verify(opening.program, x), tier=options.tier, seconds=seconds)
    yield stacked(outcome)
    yield _figures(opening, outcome)
    yield from remarks(outcome)
    yield _solutions(outcome)
    yield from _files(options, opening, outcome, None if options.model else Path(file))


def _first(tier: Tier) -> Tier:
    """The tier of the walk itself; what comes after it is done a few samples at a time."""
    return "unguided" if tier == "unguided" else "guided"


def _walk(opening: Opening, request: ProgramRequest) -> Generator[Progress | Picture, None, Outcome]:
    """The path: a picture of it as often as drawing leaves most of the time to sampling."""
    steps, marks, due = with_defaults(opening.model, request).updates, list[Mark](), 0.0
    for report in draw(opening.model, opening.form, request, watch=True):
        if isinstance(report, Outcome):
            return report
        if isinstance(report, Progress):
            yield report
            continue
        marks.append(report)
        begun = time.perf_counter()
        if begun >= due and len(marks) <= steps:
            picture = path(marks, steps, f"step {len(marks)} of {steps}")
            now = time.perf_counter()
            due = now + min(2 * (now - begun), _WAIT)
            yield picture
    raise RuntimeError("sampling ended without an outcome")


def _finish(opening: Opening, outcome: Outcome, tier: Tier) -> Iterator[tuple[int, Any]]:
    """Solutions of a further tier, a few samples at a time: how many are done, and the new ones."""
    total = len(outcome.marginals)
    for start in range(0, total, _TOGETHER):
        some = outcome.marginals[start : start + _TOGETHER]
        yield start + len(some), finish(opening.form, some, tier, seconds=_SECONDS * len(some) / total)


def _figures(opening: Opening, outcome: Outcome) -> Table:
    rows = (
        ("feasible", f"{outcome.found} of {len(outcome.x)}"),
        ("best objective", outcome.best),
        ("distinct feasible", outcome.distinct),
        ("seconds", outcome.seconds),
        ("network", opening.network),
        ("tier", outcome.tier),
    )
    return Table(("figure", "value"), rows)


def _solutions(outcome: Outcome) -> Table:
    """The best different solutions, feasible ones first."""
    _, places, times = np.unique(outcome.x, axis=0, return_index=True, return_counts=True)
    verdict = outcome.verdict
    value = -verdict.objective if outcome.program.maximise else verdict.objective
    order = np.lexsort((value[places], np.where(verdict.feasible, 0.0, verdict.max_violation)[places]))
    rows: list[tuple[Any, ...]] = []
    for place, opening in zip(places[order][:_ROWS].tolist(), times[order].tolist(), strict=False):
        worst = verdict.worst[place] if not verdict.feasible[place] else None
        figures = (float(verdict.objective[place]), bool(verdict.feasible[place]), float(verdict.max_violation[place]))
        rows.append((len(rows) + 1, *figures, worst, opening))
    shown = f"the best {len(rows)} of {len(places)} different solutions" if len(rows) < len(places) else "solutions"
    return Table(("rank", "objective", "feasible", "violation", "of row", "found"), tuple(rows), title=shown)


def _files(options: PageOptions, opening: Opening, outcome: Outcome, program: Path | None) -> Iterator[Saved]:
    folder = Path(options.folder)
    made = partial(record, "programs sample", options, model=opening.model, panel=True)
    for name in ("best.sol", "solutions.npz"):
        write_solutions(folder / name, opening.program, outcome.x, made(output=f"folder/{name}"))
        yield Saved(folder / name)
    if program is not None:
        yield Saved(program)
