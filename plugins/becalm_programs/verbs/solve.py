"""``becalm programs solve``: a solver from nothing and from the best sample, in the same wall-clock, side by side.

The warm run's time includes sampling: it gets what sampling left over, and its incumbents are counted from the moment
that sampling began.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from becalm.files import atomic
from becalm.plugin.report import Progress, Table
from becalm.provenance import record, write
from becalm_programs.evaluation.judge import incumbent, reached
from becalm_programs.formats.read import read
from becalm_programs.formats.write import SUFFIXES, best, write_solutions
from becalm_programs.opening import open_request, path_of
from becalm_programs.options import SolveOptions
from becalm_programs.problem.program import Array, Program
from becalm_programs.sampling.draw import draw, outcome_of
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.solvers import Result, solve
from becalm_programs.views.words import title

Points = tuple[tuple[float, float], ...]

_MOMENTS = 10
"""At so many moments the table looks at the incumbents."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One run as the comparison sees it.

    Attributes:
        name: What it is called.
        seconds: Wall-clock of all of it.
        status: How it ended.
        bound: Best proven bound; infinite or nan if there is none.
        x: (n,) its best solution; None if it has none.
        points: (seconds, objective) of its incumbents, each better than the one before.
    """

    name: str
    seconds: float
    status: str
    bound: float
    x: Array | None
    points: Points


def run(options: SolveOptions) -> Iterator[str | Progress | Table]:
    """Solves; with ``--warm-start`` twice, and compares.

    Raises:
        UserError: If the program cannot be read or sampled, the solver is not installed, or a file cannot be written.
    """
    if options.out is not None:
        atomic.check(Path(options.out), SUFFIXES)
    if options.picture is not None:
        atomic.check(Path(options.picture), (".png",), "--picture")
    yield Progress(0, 1, "reading")
    outcome: Outcome | None = None
    if options.warm_start:
        request = options.request(count=options.count, tier=options.tier)
        opening = open_request(request, options.checkpoint, options.device)
        program = opening.program
        yield opening.reason
        outcome = yield from outcome_of(draw(opening.model, opening.form, request))
    else:
        program = read(Path(path_of(options)))
    yield Progress(0, 2, f"{options.solver}, cold")
    stages = [_cold(program, options)]
    if outcome is not None and outcome.best is not None:
        yield Progress(1, 2, f"{options.solver}, warm")
        stages.append(_warm(program, options, outcome))
    yield _runs(program, stages, outcome)
    yield _trajectories(stages)
    if outcome is not None:
        yield from _bought(program, stages, outcome)
    yield from _write(program, stages, options)


def _cold(program: Program, options: SolveOptions) -> Stage:
    result = solve(program, options.solver, seconds=options.seconds, threads=options.threads)
    return Stage("cold", result.seconds, result.status, result.bound, result.x, result.trajectory)


def _warm(program: Program, options: SolveOptions, outcome: Outcome) -> Stage:
    """The best sample, then the solver from there in the time that is left."""
    start = outcome.x[best(program, outcome.verdict)]
    value = outcome.best if outcome.best is not None else math.nan
    first = (outcome.seconds, value)
    left = options.seconds - outcome.seconds
    if left <= 0:
        return Stage("warm", outcome.seconds, "no time left for the solver", math.nan, start, (first,))
    result = solve(program, options.solver, seconds=left, start=start, threads=options.threads)
    points = _after(first, result, maximise=program.maximise)
    # A solver may drop a start that it holds to be infeasible by its own tolerances; the sample stays ours.
    kept = result.x if result.x is not None and points[-1][1] == result.objective else start
    status = result.status if result.x is not None else "feasible"
    return Stage("warm", outcome.seconds + result.seconds, status, result.bound, kept, points)


def _after(first: tuple[float, float], result: Result, *, maximise: bool) -> Points:
    """The sample, and the solver's incumbents that are better, counted from the beginning of sampling."""
    sign = -1.0 if maximise else 1.0
    points = [first]
    for seconds, value in result.trajectory:
        if sign * value < sign * points[-1][1] - 1e-9 * max(1.0, abs(value)):
            points.append((first[0] + seconds, value))
    return tuple(points)


def _runs(program: Program, stages: list[Stage], outcome: Outcome | None) -> Table:
    """One row per run."""
    rows = []
    for stage in stages:
        objective = stage.points[-1][1] if stage.x is not None and stage.points else None
        bound = stage.bound if math.isfinite(stage.bound) else None
        gap = None if objective is None or bound is None else 100 * abs(objective - bound) / max(abs(objective), 1e-9)
        first = stage.points[0][0] if stage.points else None
        sampling = outcome.seconds if outcome is not None and stage.name == "warm" else 0.0
        rows.append((stage.name, objective, bound, gap, stage.status, first, sampling, stage.seconds))
    columns = ("run", "objective", "bound", "gap to the bound, %", "status", "first found at", "sampling", "seconds")
    return Table(columns, tuple(rows), title=title(program))


def _trajectories(stages: list[Stage]) -> Table:
    """The incumbents at a few moments, evenly spaced in the logarithm, from the first of all to the end."""
    end = max(stage.seconds for stage in stages)
    first = min((stage.points[0][0] for stage in stages if stage.points), default=end)
    moments = np.geomspace(min(max(first, 1e-3), end), end, _MOMENTS)
    # The last moment is rounded, too, and must not fall before the last incumbent.
    rows = [(float(moment), *(incumbent(stage.points, moment) for stage in stages)) for moment in moments[:-1]]
    rows.append((end, *(incumbent(stage.points, math.inf) for stage in stages)))
    return Table(("seconds", *(stage.name for stage in stages)), tuple(rows), title="best objective so far")


def _bought(program: Program, stages: list[Stage], outcome: Outcome) -> Iterator[str]:
    """What the warm start was good for, in words."""
    if outcome.best is None:
        yield f"no warm start: 0 of {len(outcome.x)} samples are feasible at tier {outcome.tier}"
        return
    cold, warm = stages
    when = reached(cold.points, outcome.best, program.maximise)
    sample = f"best sample: {outcome.best:.6g} after {outcome.seconds:.3g} seconds, tier {outcome.tier}"
    took = "never got there" if math.isinf(when) else f"took {when:.3g} seconds to there"
    yield f"{sample}; cold, the solver {took}"
    if not cold.points:
        yield "cold, the solver found nothing"
        return
    end = cold.points[-1]
    when = reached(warm.points, end[1], program.maximise)
    had = f"cold ended at {end[1]:.6g}, reached after {end[0]:.3g} seconds"
    yield f"{had}; warm " + ("never got there" if math.isinf(when) else f"had that after {when:.3g} seconds")
    yield _verdict(end, warm.points[-1], when, maximise=program.maximise)


def _verdict(cold: tuple[float, float], warm: tuple[float, float], when: float, *, maximise: bool) -> str:
    """Whether the warm start helped.

    Args:
        cold: (seconds, objective) of the last incumbent from nothing. warm: From the sample.
        when: Seconds until the warm run was as good as the cold one in the end; inf if it never was.
    """
    sign, slack = -1.0 if maximise else 1.0, 1e-6 * max(1.0, abs(cold[1]))
    if sign * warm[1] < sign * cold[1] - slack:
        return "the warm start helped: it led to a better solution"
    if math.isinf(when):
        return "the warm start did not help: without it the solver found a better solution"
    if when < cold[0]:
        return f"the warm start helped: a solution as good was there {cold[0] - when:.3g} seconds earlier"
    return f"the warm start did not help: without it a solution as good was there {when - cold[0]:.3g} seconds earlier"


def _write(program: Program, stages: list[Stage], options: SolveOptions) -> Iterator[str]:
    solutions = [stage.x for stage in stages if stage.x is not None]
    made = partial(record, "programs solve", options, timed=True)
    if options.out is not None:
        if solutions:
            write_solutions(options.out, program, np.stack(solutions), made())
            yield options.out
        else:
            yield f"nothing feasible was found: {options.out} is not written"
    if options.picture is not None:
        from becalm_programs.views.race import race

        runs = {stage.name: (stage.points, stage.seconds) for stage in stages}
        write(Path(options.picture), race(program, runs).content, made(output="picture"))
        yield options.picture
