"""What a network buys at equal time: measured once, kept in its checkpoint, and asked before it is used unasked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from becalm.files.checkpoint import Checkpoint

KEY = "worth"
"""Its name in a checkpoint's configuration."""


@dataclass(frozen=True, slots=True)
class Worth:
    """By how much the best solution is better with a network than without one, in the same time.

    Attributes:
        gain: Mean over instances, a share of the objective; below 0 where the network costs more than it brings.
        low, high: Ends of its 95 % interval.
        instances: How many. samples: Of the network, on each; without it as many as the same time allows.
        tier: Of both.
    """

    gain: float
    low: float
    high: float
    instances: int
    samples: int
    tier: str

    @property
    def positive(self) -> bool:
        """Whether it is more than chance."""
        return self.low > 0

    def __str__(self) -> str:
        shares = f"{100 * self.gain:+.2f} % ({100 * self.low:+.2f} to {100 * self.high:+.2f})"
        return f"{shares} on {self.instances} instances at tier {self.tier}"

    def header(self) -> dict[str, Any]:
        """As it stands in a checkpoint's configuration."""
        return {KEY: asdict(self)}


def worth_of(config: Mapping[str, Any]) -> Worth | None:
    """What a checkpoint's configuration says of it; None if nothing."""
    found = config.get(KEY)
    return Worth(**found) if isinstance(found, Mapping) else None


def worth_in(path: Path) -> Worth | None:
    """What a checkpoint says of it, read once as long as the file is the same."""
    return _kept(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=16)
def _kept(path: Path, changed: int) -> Worth | None:
    return worth_of(Checkpoint.read(path).config)
