"""The log of a training: a line of JSON per step, beside the checkpoint. A resumed one goes on without a seam."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from becalm.files import journal

if TYPE_CHECKING:
    from becalm.train import TrainStep


@dataclass
class Log:
    """Steps on their way to a file. Losses stay on the device until ``flush``: reading each would wait for it."""

    path: Path
    _pending: list[tuple["TrainStep", Mapping[str, float]]] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, step: int) -> "Log":
        """The log of a training that is at ``step``: later lines, and one cut short by a kill, are dropped.

        Raises:
            UserError: If a line is damaged, or the place cannot be written.
        """
        journal.write(path, _records(path, step))
        return cls(path)

    def add(self, step: "TrainStep", figures: Mapping[str, float]) -> None:
        """Notes a step, and what was seen of the training after it."""
        self._pending.append((step, figures))

    def flush(self) -> list[float]:
        """Writes what is pending; returns its losses."""
        import torch

        if not self._pending:
            return []
        steps, figures = zip(*self._pending, strict=True)
        losses = torch.stack([step.loss for step in steps]).tolist()
        norms = torch.stack([step.norm for step in steps]).tolist()
        journal.append(
            self.path,
            (
                {"step": step.step, "loss": loss, "norm": norm, "rate": step.rate, "seconds": round(step.seconds, 3)}
                | dict(seen)
                for step, loss, norm, seen in zip(steps, losses, norms, figures, strict=True)
            ),
        )
        self._pending = []
        return [float(loss) for loss in losses]


def seconds_spent(path: Path, step: int) -> float:
    """Seconds trained until a step, as a log tells; 0 where there is none.

    Raises:
        UserError: If a line is damaged.
    """
    records = _records(path, step)
    return float(records[-1]["seconds"]) if records else 0.0


def _records(path: Path, step: int) -> list[dict[str, Any]]:
    return list(takewhile(lambda record: record.get("step", inf) <= step, journal.read(path))) if step else []
