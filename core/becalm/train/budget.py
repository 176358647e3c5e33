"""How much of a training's budget is used: of its steps or of its time, whichever is nearer its end.

The learning rate falls with it, and the training ends when none is left. Imports no torch.
"""

from typing import NamedTuple


class Used(NamedTuple):
    """What is used of a budget.

    Attributes:
        done, total: In one unit, steps or seconds.
    """

    done: float
    total: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(self.done / self.total, 1.0)

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.done >= self.total


def used(steps: int | None, minutes: float | None, step: int, seconds: float) -> Used:
    """The part of a budget that is nearest its end.

    Args:
        steps, minutes: The budget; None is no limit.
        step, seconds: Steps done and time spent.

    Raises:
        ValueError: If there is no limit at all.
    """
    parts = [Used(step, steps)] if steps is not None else []
    if minutes is not None:
        parts.append(Used(seconds, 60 * minutes))
    if not parts:
        raise ValueError("a training ends after some steps or some minutes: give one of the two")
    return max(parts, key=lambda part: part.share)
