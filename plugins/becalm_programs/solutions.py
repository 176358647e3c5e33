"""Solutions of a program in one call: of a file, of a PuLP problem, of a HiGHS model, of arrays.

outcome = solutions("model.mps", 30, tier="1-opt")
pool = becalm_programs.pool(problem, 100, within=0.01, seconds=10)
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from becalm.errors import UserError, sentence
from becalm.plugin.kinds import keys
from becalm.provenance import record
from becalm_programs.anytime.goal import SECONDS
from becalm_programs.anytime.open import open_search
from becalm_programs.anytime.pool import Pool
from becalm_programs.formats.highs import from_highs
from becalm_programs.formats.pulp import from_pulp
from becalm_programs.formats.read import read
from becalm_programs.opening import form_of, open_form
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample, with_defaults
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.start import StartName
from becalm_programs.tier import TIERS, Tier


def solutions(
    problem: Any,
    count: int | None = None,
    *,
    seconds: float | None = None,
    distinct: int | None = None,
    within: float | str | None = None,
    start: Sequence[StartName] | None = None,
    checkpoint: str | None = None,
    device: str = "auto",
    **wishes: Any,
) -> Outcome:
    """Samples solutions, verified on the original rows; or searches them for a time, see ``pool``.

    Args:
        problem: A ``Program``, the path of a .mps or .lp file, packed or not, a ``pulp.LpProblem``, which is left as
            it is (``to_pulp`` writes a solution into it), or a ``highspy.Highs``.
        count: How many samples, default 30; a search has ``distinct`` instead.
        seconds: Search so long, for different feasible solutions at tier 1-opt, and give these.
        distinct: End such a search with so many. within: Only those so near to the best. start: Only these starts.
        checkpoint: Name or file of a network, ``none`` for guidance without one, or None for the one that fits.
        device: auto, cpu or cuda.
        wishes: Other fields of ``ProgramRequest``, such as tier, steps, seed.

    Returns:
        The solutions; ``x`` is (count, n), ``verdict`` says which of them are feasible.

    Raises:
        UserError: If the problem cannot be read or sampled, or there is no such network, device or field.
    """
    timed = {"seconds": seconds, "distinct": distinct, "within": within, "start": start}
    asked = {name: value for name, value in timed.items() if value is not None}
    program, name = _program(problem)
    if asked:
        counted = {} if count is None else {"count": count}
        options = _options({"model": name, "device": device, "checkpoint": checkpoint, **counted, **asked, **wishes})
        found = _search(program, options)
        marginals = form_of(program, name or "the program").encoding.encode(program, found.x)
        verdict = verify(program, found.x)
        return Outcome(
            program, found.x, marginals, verdict, "1-opt", found.seconds, 0, (), found.infeasible, found.record
        )
    tier: Tier = wishes["tier"] if wishes.get("tier") in TIERS else "guided"
    opening = open_form(form_of(program, name or "the program"), checkpoint, device, tier)
    request = cast(ProgramRequest, opening.model.request(count=30 if count is None else count, **wishes))
    outcome = sample(opening.model, opening.form, request)
    if name is None:
        return outcome
    settings = with_defaults(opening.model, request).model_copy(update={"model": name})
    options = SampleOptions(checkpoint=checkpoint, **dict(settings))
    return replace(outcome, record=record("programs sample", options, model=opening.model))


def pool(
    problem: Any,
    n: int = 100,
    within: float | str | None = 0.01,
    seconds: float = SECONDS,
    *,
    start: Sequence[StartName] | None = None,
    checkpoint: str | None = None,
    device: str = "auto",
    **wishes: Any,
) -> Pool:
    """Different solutions near the best, each verified on the original rows, searched for a time.

    Ctrl-C ends it, as any other call; ``becalm_programs.anytime`` gives what is found on the way.

    Args:
        problem: As of ``solutions``.
        n: How many; the search ends with so many, as soon as the best is as old as it was when it was found.
        within: How far off the best a solution may be, as a share of its objective, such as .01 or "1%"; None for any.
        seconds: Wall-clock, at most.
        start: Names of what solutions come from; None for all that fit the program.
        checkpoint: As of ``solutions``. device: As there.
        wishes: Other options of ``becalm programs sample``, such as seed.

    Returns:
        At most n solutions, the best first; fewer where no more are found, none where none is.

    Raises:
        UserError: If the problem cannot be read or searched, or there is no such start, network, device or option.
    """
    program, name = _program(problem)
    fields = {"distinct": n, "within": within, "seconds": seconds, "start": start, "checkpoint": checkpoint, **wishes}
    options = _options({"model": name, "device": device, **fields})
    return _search(program, options)


def _search(program: Program, options: SampleOptions) -> Pool:
    search = open_search(program, options, name=options.model or "the program")
    for _ in search.run():
        pass
    found = Pool.of(search)
    if options.model is None:
        return found
    return replace(found, record=record("programs sample", options, model=search.instance.model, timed=True))


def _program(problem: Any) -> tuple[Program, str | None]:
    """The program, and the name of its file, if it is one."""
    if isinstance(problem, str | PathLike):
        return read(Path(problem)), fspath(problem)
    if isinstance(problem, Program):
        return problem, None
    # Whoever has such a model has imported highspy.
    highspy = sys.modules.get("highspy")
    if highspy is not None and isinstance(problem, highspy.Highs):
        return from_highs(problem), None
    return from_pulp(problem), None


def _options(fields: dict[str, Any]) -> SampleOptions:
    """Options of the verb.

    Raises:
        UserError: If a field is unknown, out of range or does nothing.
    """
    try:
        options = SampleOptions.model_validate(fields)
    except ValidationError as error:
        raise UserError(sentence(error, known=partial(keys, SampleOptions))) from error
    for name, why in options.idle().items():
        if name in fields:
            raise UserError(f"{name} does nothing {why}: leave it out")
    return options
