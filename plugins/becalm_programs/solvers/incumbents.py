"""Incumbents of a run as they come, each with its time."""

import math
import time
from dataclasses import dataclass, field

from becalm_programs.problem.program import Program, in_original_sense


@dataclass(slots=True, eq=False)
class IncumbentLog:
    """The incumbents so far.

    Attributes:
        program: Whose objective is recorded.
        begun: When the run began, by ``time.perf_counter``.
        points: (seconds, objective in the original's sense), each better than the one before.
    """

    program: Program
    begun: float = field(default_factory=time.perf_counter)
    points: list[tuple[float, float]] = field(default_factory=list)
    _best: float = math.inf

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.begun

    def add(self, value: float, seconds: float | None = None) -> None:
        """Records an incumbent if it is better than all before.

        Args:
            value: ``cost . x`` of the minimisation, without its offset.
            seconds: When it was found, if not now.
        """
        if math.isfinite(value) and value < self._best - 1e-9 * max(1.0, abs(value)):
            self._best = value
            self.points.append((self.seconds if seconds is None else seconds, in_original_sense(self.program, value)))

    def end(self, value: float) -> None:
        """Ends with the exact value of what is handed on: solvers report theirs rounded, or before it is mended."""
        final = in_original_sense(self.program, value)
        sign, tolerance = -1.0 if self.program.maximise else 1.0, 1e-6 * max(1.0, abs(final))
        seconds = self.seconds
        while self.points and sign * self.points[-1][1] <= sign * final + tolerance:
            moment, reported = self.points.pop()
            seconds = moment if abs(reported - final) <= tolerance else seconds
        self.points.append((seconds, final))
