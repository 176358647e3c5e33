"""What a network buys at equal time: measured once, kept in its checkpoint, and asked before it is used unasked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from becalm.files.checkpoint import Checkpoint
from becalm_programs.tier import Tier, includes

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
    tier: Tier

    @property
    def positive(self) -> bool:
        """Whether it is more than chance."""
        return self.low > 0

    def __str__(self) -> str:
        shares = f"{100 * self.gain:+.2f} % ({100 * self.low:+.2f} to {100 * self.high:+.2f})"
        return f"{shares} on {self.instances} instances at tier {self.tier}"

    def within(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A checkpoint's configuration with this in it, beside what is said of the other tiers."""
        return {**config, KEY: {**config.get(KEY, {}), _measured(self.tier): asdict(self)}}


def worth_of(config: Mapping[str, Any], tier: Tier) -> Worth | None:
    """What a checkpoint's configuration says of it at a tier, with moves or without; None if nothing."""
    found = config.get(KEY, {}).get(_measured(tier))
    return Worth(**found) if isinstance(found, Mapping) else None


def worth_in(path: Path, tier: Tier) -> Worth | None:
    """What a checkpoint says of it, read once as long as the file is the same."""
    return worth_of(_kept(path, path.stat().st_mtime_ns if path.is_file() else 0), tier)


def _measured(tier: Tier) -> Tier:
    """The tier at which it is measured: moves after sampling are what makes the difference."""
    return "1-opt" if includes(tier, "1-opt") else "guided"


@lru_cache(maxsize=16)
def _kept(path: Path, changed: int) -> Mapping[str, Any]:
    return Checkpoint.read(path).config
