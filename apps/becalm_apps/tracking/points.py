"""A training's log as points of metrics: at most about 2000 of each, every one the mean of the steps since the last.

A store takes a tenth of a millisecond per number, so a long training is thinned; the log itself keeps every step.
Windows are fixed by the step's number, so that a resumed training continues them. Where the number of steps is unknown,
since the training ends by the clock, windows double as the steps do: some 1000 points each time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POINTS = 2000
_PIECE = 1 << 20
_OF_STEPS = {"step", "loss", "norm", "rate", "seconds"}
"""What each line of a log has."""


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of the steps of one window, the last of which is ``step``.

    Attributes:
        seconds: Trained when the window ended.
        values: By name: mean loss and gradient norm, last rate, steps per second; the last of what was
            seen of the training, such as the held-out loss.
    """

    step: int
    seconds: float
    values: dict[str, float]


@dataclass
class Tail:
    """The points of a log that grows.

    Attributes:
        steps: Of the whole training, or None; they fix the windows.
        after: The last step that needs no point.
    """

    path: Path
    steps: int | None
    after: int = 0
    seconds: float = 0.0
    step: int = 0
    _place: int = 0
    _rest: bytes = b""
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _closed: float = 0.0

    def read(self, *, end: bool = False) -> Iterator[Point]:
        """The points that have come since the last call; with ``end`` the last window too, however short."""
        for line in self._new():
            self.seconds, self.step = float(line["seconds"]), int(line["step"])
            if self.step <= self.after:
                self._closed = self.seconds
                continue
            self._lines.append(line)
            if self.step % self._window() == 0:
                yield self._point()
        if end and self._lines:
            yield self._point()

    def _window(self) -> int:
        """Steps per point here."""
        if self.steps is not None:
            return max(1, -(-self.steps // POINTS))
        return int(2 ** max(0, (2 * self.step // POINTS).bit_length() - 1))

    def _point(self) -> Point:
        lines, self._lines = self._lines, []
        spent = self.seconds - self._closed
        self._closed, self.after = self.seconds, self.step
        values = {name: sum(float(line[name]) for line in lines) / len(lines) for name in ("loss", "norm")}
        values["rate"] = float(lines[-1]["rate"])
        values |= {name: float(value) for line in lines for name, value in line.items() if name not in _OF_STEPS}
        if spent > 0:
            values["steps_per_second"] = len(lines) / spent
        return Point(self.step, self.seconds, values)

    def _new(self) -> Iterator[dict[str, Any]]:
        """The whole lines that have come, a piece of the file at a time."""
        if not self.path.exists():  # Bundled checkpoints come without their log.
            return
        with self.path.open("rb") as file:
            file.seek(self._place)
            while piece := file.read(_PIECE):
                self._place += len(piece)
                *lines, self._rest = (self._rest + piece).split(b"\n")
                for line in lines:
                    yield json.loads(line)
