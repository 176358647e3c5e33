"""The log of a training: a line of JSON per step, beside the checkpoint. A resumed one goes on without a seam."""

import time
from dataclasses import dataclass, field
from itertools import takewhile
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from becalm.files import journal

if TYPE_CHECKING:
    from becalm.train import TrainStep


@dataclass
class Log:
    """Steps on their way to a file. Losses stay on the device until ``flush``: reading each would wait for it.

    Attributes:
        before: Seconds trained before this log was opened.
    """

    path: Path
    before: float = 0.0
    _pending: list[tuple["TrainStep", float]] = field(default_factory=list)
    _started: float = field(default_factory=time.perf_counter)

    @classmethod
    def open(cls, path: Path, step: int) -> "Log":
        """The log of a training that is at ``step``: later lines, and one cut short by a kill, are dropped.

        Raises:
            UserError: If a line is damaged, or the place cannot be written.
        """
        records = list(takewhile(lambda record: record.get("step", inf) <= step, journal.read(path))) if step else []
        journal.write(path, records)
        return cls(path, float(records[-1]["seconds"]) if records else 0.0)

    def add(self, step: "TrainStep") -> None:
        """Notes a step."""
        self._pending.append((step, self.seconds))

    @property
    def seconds(self) -> float:
        """Seconds trained, earlier sessions included."""
        return self.before + time.perf_counter() - self._started

    def flush(self) -> list[float]:
        """Writes what is pending; returns its losses."""
        import torch

        if not self._pending:
            return []
        steps = [step for step, _ in self._pending]
        losses = torch.stack([step.loss for step in steps]).tolist()
        norms = torch.stack([step.norm for step in steps]).tolist()
        journal.append(
            self.path,
            (
                {"step": step.step, "loss": loss, "norm": norm, "rate": step.rate, "seconds": round(seconds, 3)}
                for (step, seconds), loss, norm in zip(self._pending, losses, norms, strict=True)
            ),
        )
        self._pending.clear()
        return [float(loss) for loss in losses]
