"""``becalm programs sample``: many solutions of one program, judged on its original rows, in a table and a picture."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from becalm.files import atomic
from becalm.plugin.report import Progress, Table
from becalm.provenance import record, write
from becalm_programs.formats.write import SUFFIXES, write_solutions
from becalm_programs.opening import NO_NETWORK, Opening, open_request
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Program
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import draw, outcome_of, with_defaults
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.tier import includes
from becalm_programs.verbs import timed
from becalm_programs.views.words import remarks, title


def run(options: SampleOptions) -> Iterator[str | Progress | Table]:
    """Samples, and says honestly what is feasible and what is not; or searches for a time.

    Raises:
        UserError: If the program cannot be read or sampled, there is no such network, or a file cannot be written.
    """
    if options.out is not None:
        atomic.check(Path(options.out), SUFFIXES)
    if options.picture is not None:
        atomic.check(Path(options.picture), (".png",), "--picture")
    if options.timed:
        yield from timed.run(options)
        return
    yield Progress(0, 1, "reading")
    opening = open_request(options.request(), options.checkpoint, options.device)
    yield opening.reason
    watch = options.picture is not None
    outcome = yield from outcome_of(draw(opening.model, opening.form, options.request(), watch=watch))
    yield table(opening, outcome)
    yield from remarks(outcome)
    asked = with_defaults(opening.model, options.request())
    options = options.model_copy(update={name: getattr(asked, name) for name in ProgramRequest.model_fields})
    made = partial(record, "programs sample", options, model=opening.model)
    if options.out is not None:
        write_solutions(options.out, opening.program, outcome.x, made())
        yield options.out
    if options.picture is not None:
        from becalm_programs.views.curves import panels

        write(Path(options.picture), panels(outcome).content, made(output="picture"))
        yield options.picture


def table(opening: Opening, outcome: Outcome) -> Table:
    """The figures of an outcome, one in a row."""
    objectives, verdict = outcome.objectives, outcome.verdict
    best, mean, worst = (objectives[0], objectives.mean(), objectives[-1]) if len(objectives) else (None, None, None)
    rows = (
        ("feasible", f"{outcome.found} of {len(outcome.x)}"),
        ("objective, best feasible", _number(best)),
        ("objective, mean feasible", _number(mean)),
        ("objective, worst feasible", _number(worst)),
        ("violation, worst of all", _number(verdict.max_violation.max())),
        ("distinct feasible", outcome.distinct),
        ("variables that two differ in, mean", _number(outcome.hamming)),
        ("seconds", _number(outcome.seconds)),
        ("seconds per feasible", _number(outcome.per_feasible)),
        ("network calls", 0 if opening.network == NO_NETWORK else outcome.calls),
        ("network", opening.network),
        ("tier", outcome.tier),
        *_continuous(opening.program, outcome),
    )
    return Table(("figure", "value"), rows, title=title(opening.program))


def _continuous(program: Program, outcome: Outcome) -> tuple[tuple[str, str], ...]:
    count = program.counts.continuous
    if not count:
        return ()
    if includes(outcome.tier, "completion"):
        return (("continuous variables", f"{count}, finished by a linear program"),)
    if outcome.tier == "unguided":
        return (("continuous variables", f"{count}, as sampled"),)
    how = "as sampled, or by a linear program where the sample was infeasible"
    return (("continuous variables", f"{count}, {how}"),)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
