"""What a method's solutions are worth, over instances: how many are feasible, how far from the best known, how varied.

Gaps are to the best objective known of an instance, over all methods compared and what was kept from before; none is
proved optimal. An objective v is |v - best| / |best| off, as the field reports it (Gasse et al. 2019).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.program import Array

Trajectory = Sequence[tuple[float, float]]
"""(seconds, objective) of each incumbent, in order of time, each better than the one before."""
_SAME = 1e-9
"""Objectives this close are the same."""
_LOGGED = 1e-6
"""What solvers' logs round objectives by, relatively."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one method made of one instance.

    Attributes:
        instance: Its name. digest: Of its numbers, see ``becalm_programs.evaluation.journal.digest``.
        method: What the method is called. key: Of everything that it depends on.
        maximise: Whether the instance is a maximisation.
        objective: Of each of the K solutions asked for, in the original's sense; None for those that are not feasible
            or were not found.
        distinct: Different ones among the feasible.
        hamming: Mean number of variables in which two of the feasible differ; None for less than two.
        worst: The largest violation of a row or bound among all that were made; None if none were.
        seconds: Wall-clock of the whole, reading a model file not included.
        trajectory: A solver's incumbents; of the other methods none.
        note: What else there is to say, such as why there is nothing.
    """

    instance: str
    digest: str
    method: str
    key: str
    maximise: bool
    objective: tuple[float | None, ...]
    distinct: int
    hamming: float | None
    worst: float | None
    seconds: float
    trajectory: tuple[tuple[float, float], ...] = ()
    note: str = ""

    @property
    def values(self) -> Array:
        """Objectives of the feasible ones."""
        return np.array([value for value in self.objective if value is not None], dtype=np.float64)

    @property
    def best(self) -> float | None:
        """The best of them."""
        values = self.values
        if not len(values):
            return None
        return float(values.max() if self.maximise else values.min())


def gap(value: npt.ArrayLike, best: float, maximise: bool) -> Array:
    """How far objectives are from the best, as a share of it; 0 for what is as good or better.

    Where the best is 0, anything worse counts as 1.
    """
    away = np.maximum((best - np.asarray(value)) if maximise else (np.asarray(value) - best), 0.0)
    if abs(best) < _SAME:
        return np.where(away > _SAME, 1.0, 0.0)
    return away / abs(best)


def best_known(cells: Iterable[Cell], kept: Mapping[str, float] | None = None) -> dict[str, float]:
    """The best objective known of each instance, by digest; instances without a feasible solution are left out.

    Args:
        kept: The same from before.
    """
    best = dict(kept or {})
    for cell in cells:
        if cell.best is not None:
            known = best.get(cell.digest, cell.best)
            best[cell.digest] = max(known, cell.best) if cell.maximise else min(known, cell.best)
    return best


@dataclass(frozen=True, slots=True)
class Score:
    """A method over instances. Means over nothing are nan.

    Attributes:
        instances: How many. asked: K, solutions asked for per instance.
        samples: Share of all solutions asked for that are feasible.
        solved: Share of instances with at least one.
        gap: Mean over all feasible solutions.
        gap_all: The same with what is not feasible counted as 1.
        gap_best: Mean over solved instances of the best solution's.
        distinct: Mean over instances. hamming: Over those with two feasible solutions.
        worst: The largest violation met.
        seconds: Mean over instances.
        per_feasible: All seconds over all feasible solutions; inf if there are none.
    """

    instances: int
    asked: int
    samples: float
    solved: float
    gap: float
    gap_all: float
    gap_best: float
    distinct: float
    hamming: float
    worst: float | None
    seconds: float
    per_feasible: float

    @classmethod
    def of(cls, cells: Sequence[Cell], best: Mapping[str, float]) -> "Score":
        """The score of a method's cells.

        Args:
            best: By digest, see ``best_known``.
        """
        gaps = [gap(cell.values, best[cell.digest], cell.maximise) for cell in cells if len(cell.values)]
        asked, feasible = sum(len(cell.objective) for cell in cells), sum(len(one) for one in gaps)
        total = sum(float(one.sum()) for one in gaps)
        seconds = sum(cell.seconds for cell in cells)
        apart = [cell.hamming for cell in cells if cell.hamming is not None]
        return cls(
            instances=len(cells),
            asked=max((len(cell.objective) for cell in cells), default=0),
            samples=_ratio(feasible, asked),
            solved=_ratio(len(gaps), len(cells)),
            gap=_ratio(total, feasible),
            gap_all=_ratio(total + asked - feasible, asked),
            gap_best=_ratio(sum(float(one.min()) for one in gaps), len(gaps)),
            distinct=_ratio(sum(cell.distinct for cell in cells), len(cells)),
            hamming=_ratio(sum(apart), len(apart)),
            worst=max((cell.worst for cell in cells if cell.worst is not None), default=None),
            seconds=_ratio(seconds, len(cells)),
            per_feasible=seconds / feasible if feasible else math.inf,
        )


def reached(trajectory: Trajectory, target: float, maximise: bool) -> float:
    """Seconds until an incumbent is at least as good as the target; inf if none is."""
    sign, slack = -1.0 if maximise else 1.0, _LOGGED * max(1.0, abs(target))
    return next((moment for moment, value in trajectory if sign * value <= sign * target + slack), math.inf)


def incumbent(trajectory: Trajectory, seconds: float) -> float | None:
    """The best objective found by then; None if there was none."""
    return next((value for moment, value in reversed(trajectory) if moment <= seconds), None)


@dataclass(frozen=True, slots=True)
class Race:
    """A method against a solver, over the instances that both ran on.

    Attributes:
        instances: How many of them the method solved; only these are raced.
        gap: The solver's mean gap when the method was done; 1 where it had nothing yet or worse.
        seconds: Median of the seconds that the solver takes to the method's best objective; inf if it takes longer
            than its limit on half of them.
        reached: Share of the instances on which it gets there within its limit.
    """

    instances: int
    gap: float
    seconds: float
    reached: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[Cell, Cell]], best: Mapping[str, float]) -> "Race":
        """The race over pairs of cells of one instance: the method's, the solver's."""
        run = [(ours, theirs, ours.best) for ours, theirs in pairs if ours.best is not None]
        then = [
            1.0 if (value := incumbent(theirs.trajectory, ours.seconds)) is None
            else min(1.0, float(gap(value, best[ours.digest], ours.maximise)))
            for ours, theirs, _ in run
        ]  # fmt: skip
        times = [reached(theirs.trajectory, target, theirs.maximise) for _, theirs, target in run]
        return cls(
            instances=len(run),
            gap=_ratio(sum(then), len(run)),
            # The upper of the two in the middle, since inf has no half.
            seconds=sorted(times)[len(times) // 2] if times else math.nan,
            reached=_ratio(sum(math.isfinite(time) for time in times), len(run)),
        )


def first(ours: Cell, theirs: Sequence[Cell]) -> bool:
    """Whether a method that solved its instance was done before any of the solvers got to its best objective."""
    if ours.best is None:
        return False
    return all(ours.seconds < reached(cell.trajectory, ours.best, ours.maximise) for cell in theirs)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
