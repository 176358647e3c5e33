"""What sampling brings: solutions, their verdict, and the path that led to them."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from becalm.provenance import Record
from becalm_programs.formats.write import write_solutions
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import Verdict
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outcome:
    """What sampling brought.

    Attributes:
        x: (K, n) solutions.
        marginals: (K, N) likelihoods that they were made from, so that ``tiers.finish`` can go on to another tier.
        verdict: Of each, on the original rows.
        tier: What was done to them.
        seconds: Wall-clock of sampling, tier and verification; reading and loading are not in it, nor are marks.
        calls: Times that the network was called.
        marks: The path, if it was watched.
        infeasible: Where it is proved that there is no solution: by what; empty else.
        record: How it was made; None where the program was handed over rather than read from a file.
    """

    program: Program
    x: Array
    marginals: Array
    verdict: Verdict
    tier: Tier
    seconds: float
    calls: int
    marks: tuple[Mark, ...] = ()
    infeasible: str = ""
    record: Record | None = None

    def save(self, path: Path | str) -> None:
        """Writes the solutions: .npz and .json all, .sol and .mst the best; the record with them.

        Raises:
            UserError: If the suffix is another, a name does not fit the format, or the place cannot be written.
        """
        write_solutions(path, self.program, self.x, self.record)

    def __repr__(self) -> str:
        best = "" if self.best is None else f", best objective {self.best:.6g}"
        name = self.program.name or "program"
        return f"<Outcome {name}: {self.found} of {len(self.x)} feasible{best}, tier {self.tier}>"

    def _repr_html_(self) -> str:
        sense = "maximise" if self.program.maximise else "minimise"
        figures = {
            "program": f"{self.program.name or 'program'} ({sense})",
            "feasible": f"{self.found} of {len(self.x)}",
            "best objective": "none" if self.best is None else f"{self.best:.6g}",
            "distinct feasible": str(self.distinct),
            "tier": self.tier,
            "seconds": f"{self.seconds:.3g}",
        }
        rows = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in figures.items())
        return f"<table>{''.join(rows)}</table>"

    @property
    def entries(self) -> Array:
        """``marginals`` by their name in becalm_programs 0.1."""
        return self.marginals

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
