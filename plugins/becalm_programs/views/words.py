"""A program and the outcome of sampling it in words."""

from collections.abc import Iterator

import numpy as np

from becalm.plugin.report import counted
from becalm_programs.problem.program import Program
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.tier import includes

_FEW = 0.25
"""Share of different solutions among feasible samples, up to which they are called copies."""


def title(program: Program) -> str:
    """A program in a line: name, sense, sizes, kinds."""
    counts = program.counts
    kinds = ((counts.binary, "binary"), (counts.integer, "integer"), (counts.continuous, "continuous"))
    variables = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
    sense = "maximise" if program.maximise else "minimise"
    rows = f"{counted(counts.rows, 'row')}, {counted(counts.nonzeros, 'nonzero')}"
    return f"{program.name or 'program'}: {sense}, {variables}, {rows}"


def remarks(outcome: Outcome) -> Iterator[str]:
    """What the figures alone would not say."""
    verdict = outcome.verdict
    if outcome.found:
        yield from _copies(outcome)
        return
    if outcome.infeasible:
        yield f"the program is infeasible: {outcome.infeasible}"
        return
    nearest = int(np.argmin(verdict.max_violation))
    split = "" if verdict.integral[nearest] else ", and not all integers are whole"
    row = f" in {verdict.worst[nearest]}" if verdict.worst[nearest] else ""
    yield f"nothing feasible was found: the nearest sample misses {verdict.max_violation[nearest]:.4g}{row}{split}"
    if not includes(outcome.tier, "completion"):
        yield "tier completion lets a solver mend what samples miss"


def _copies(outcome: Outcome) -> Iterator[str]:
    """That samples are copies of few solutions, where they are."""
    if outcome.found < 2 or outcome.distinct > max(1, _FEW * outcome.found):
        return
    solutions = "one solution" if outcome.distinct == 1 else f"{outcome.distinct} solutions"
    yield (
        f"the {outcome.found} feasible samples are copies of {solutions}: --seconds 10 --distinct {len(outcome.x)} "
        "searches others, where there are any"
    )
