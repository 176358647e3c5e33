"""What a search for a time brings: solutions that are verified and different, ready for what asked for them."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from becalm.provenance import Record
from becalm_programs.anytime.search import AnytimeSearch, Moment
from becalm_programs.formats.pulp import to_pulp
from becalm_programs.formats.write import write_solutions
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import Verdict
from becalm_programs.sampling.outcome import hamming


@dataclass(frozen=True, slots=True)
class Brought:
    """What a start did and brought.

    Attributes:
        start: Its name. seconds: Of its turns. drawn: Solutions. feasible: Of these.
        kept: Those that were new and near enough to the best of then. betters: Turns that made the best better.
    """

    start: str
    seconds: float
    drawn: int
    feasible: int
    kept: int
    betters: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pool:
    """Solutions of a program, each verified on its original rows, no two with the same integers.

    Attributes:
        program: The program.
        x: (K, n) the solutions, the best first.
        seconds: How long was searched.
        moments: How the search went.
        starts: What each start brought.
        infeasible: Where it is proved that there is no solution: by what; empty else.
        record: How it was made; None where the program was handed over rather than read from a file.
    """

    program: Program
    x: Array
    seconds: float
    moments: tuple[Moment, ...] = ()
    starts: tuple[Brought, ...] = ()
    infeasible: str = ""
    record: Record | None = None

    @classmethod
    def of(cls, search: AnytimeSearch) -> "Pool":
        """What a search has found; of more than were wanted, those that differ most."""
        starts = tuple(
            Brought(name, tally.seconds, tally.drawn, tally.feasible, tally.kept, tally.betters)
            for name, tally in search.turns.tallies.items()
            if tally.turns
        )
        moments = tuple(search.moments)
        seconds = moments[-1].seconds if moments else 0.0
        x = search.instance.pool.choose(search.goal.distinct)
        return cls(search.instance.program, x, seconds, moments, starts, search.infeasible)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        best = f", best objective {self.best:.6g}" if self.best is not None else ""
        name = self.program.name or "program"
        return f"<Pool {name}: {len(self)} different solutions{best}, {self.seconds:.3g} s>"

    def _repr_html_(self) -> str:
        figures = {
            "program": self.program.name or "program",
            "different solutions": str(len(self)),
            "best objective": "none" if self.best is None else f"{self.best:.6g}",
            "seconds": f"{self.seconds:.3g}",
        }
        rows = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in figures.items())
        return f"<table>{''.join(rows)}</table>"

    @property
    def objectives(self) -> Array:
        """(K,) in the original's sense, best first."""
        return objective(self.program, self.x)

    @property
    def best(self) -> float | None:
        """The best objective; None if there is no solution."""
        return float(self.objectives[0]) if len(self) else None

    @property
    def hamming(self) -> float | None:
        """Mean over pairs of the number of variables in which they differ; None without a pair."""
        return hamming(self.x)

    def dicts(self, *, zeros: bool = True) -> list[dict[str, float]]:
        """Each solution as ``{name: value}``, such as Pyomo's variables take.

        Args:
            zeros: Whether variables that are 0 are in it.
        """
        pairs = ([*zip(self.program.names, each, strict=True)] for each in self.x.tolist())
        return [{name: value for name, value in each if zeros or value} for each in pairs]

    def to_pulp(self, problem: Any, number: int = 0) -> Verdict:
        """Sets the variables of the ``pulp.LpProblem`` that was searched to a solution; 0 is the best.

        Raises:
            IndexError: If there is no such solution.
            UserError: If the problem has other variables.
        """
        return to_pulp(problem, self.program, self.x[number])

    def to_highs(self, model: Any, number: int = 0) -> None:
        """Hands a solution to the ``highspy.Highs`` model that was searched, as its start; 0 is the best.

        Raises:
            IndexError: If there is no such solution.
            UserError: If the model has another number of variables.
        """
        from becalm_programs.formats.highs import to_highs

        to_highs(model, self.program, self.x[number])

    def save(self, path: Path | str) -> None:
        """Writes the solutions: .npz and .json all, .sol and .mst the best; the record with them.

        Raises:
            UserError: If there is none, the suffix is another, a name does not fit the format, or the place cannot be
                written.
        """
        write_solutions(path, self.program, self.x, self.record)
