"""The log of a training: a line of JSON per step, beside the checkpoint. A resumed one goes on without a seam."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from becalm.files.atomic import write_atomic

if TYPE_CHECKING:
    from becalm.train.loop import TrainStep


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
            UserError: If the place cannot be written.
        """
        lines = _until(path, step) if step else []
        write_atomic(path, "".join(f"{line}\n" for line in lines).encode())
        return cls(path, float(json.loads(lines[-1])["seconds"]) if lines else 0.0)

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
        with self.path.open("a", encoding="utf-8") as file:
            for (step, seconds), loss, norm in zip(self._pending, losses, norms, strict=True):
                line = {"step": step.step, "loss": loss, "norm": norm, "rate": step.rate, "seconds": round(seconds, 3)}
                file.write(json.dumps(line) + "\n")
        self._pending.clear()
        return [float(loss) for loss in losses]


def _until(path: Path, step: int) -> list[str]:
    """The whole lines up to a step; a line that is no record of a step ends them."""
    kept: list[str] = []
    if not path.exists():
        return kept
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if not json.loads(line)["step"] <= step:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line)
    return kept
