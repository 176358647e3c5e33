"""What a picture has to know of a policy and its environment."""

from dataclasses import dataclass

from becalm_policies.environments.known import PLANES
from becalm_policies.environments.pusht import GOAL, Pose


@dataclass(frozen=True, slots=True)
class Scene:
    """Where chunks are executed.

    Attributes:
        environment: gymnasium id; empty if unknown.
        low, high: Bounds of an action, or None.
        relative: Observed entries that an action's entries are relative to.
        history: Observations that a chunk is conditioned on; the action of now is number ``history - 1``.
        horizon: Actions of a chunk.
        goal: Push-T's.
    """

    environment: str
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    relative: tuple[int, ...]
    history: int
    horizon: int
    goal: Pose = GOAL

    @property
    def planar(self) -> bool:
        """Whether the two entries of an action are a position."""
        return len(self.relative) == 2 or self.environment in PLANES
