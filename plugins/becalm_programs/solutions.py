"""Solutions of a program in one call: of a file, of a PuLP problem, of arrays."""

from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from becalm.provenance import record
from becalm_programs.formats.pulp import from_pulp
from becalm_programs.formats.read import read
from becalm_programs.opening import form_of, open_form
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Program
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample, with_defaults
from becalm_programs.sampling.outcome import Outcome


def solutions(
    problem: Any, count: int = 30, *, checkpoint: str | None = None, device: str = "auto", **wishes: Any
) -> Outcome:
    """Samples solutions, verified on the original rows.

    Args:
        problem: A ``Program``, the path of a .mps or .lp file, packed or not, or a ``pulp.LpProblem``, which is left
            as it is; ``to_pulp`` writes a solution into it.
        checkpoint: Name or file of a network, ``none`` for guidance without one, or None for the one that fits.
        device: auto, cpu or cuda.
        wishes: Other fields of ``ProgramRequest``, such as tier, steps, seed.

    Returns:
        The solutions; ``x`` is (count, n), ``verdict`` says which of them are feasible.

    Raises:
        UserError: If the problem cannot be read or sampled, or there is no such network, device or field.
    """
    name = "the program"
    if isinstance(problem, str | PathLike):
        name = fspath(problem)
        program = read(Path(name))
    else:
        program = problem if isinstance(problem, Program) else from_pulp(problem)
    opening = open_form(form_of(program, name), checkpoint, device)
    request = cast(ProgramRequest, opening.model.request(count=count, **wishes))
    outcome = sample(opening.model, opening.form, request)
    if not isinstance(problem, str | PathLike):
        return outcome
    asked = with_defaults(opening.model, request).model_copy(update={"model": name})
    options = SampleOptions(checkpoint=checkpoint, **dict(asked))
    return replace(outcome, record=record("programs sample", options, model=opening.model))
