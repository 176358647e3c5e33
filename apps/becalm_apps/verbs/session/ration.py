"""A share of a training's time for something that can be left out, such as a picture."""

from dataclasses import dataclass


@dataclass
class Ration:
    """What may be spent on it, and what was.

    Attributes:
        share: Of the time trained.
        cost: Seconds that one takes, as far as known.
    """

    share: float
    cost: float = 0.0
    spent: float = 0.0

    def left(self, seconds: float) -> float:
        """Seconds that may be spent after so many of training; one more is kept for the end, which always gets its."""
        return self.share * seconds - self.spent - self.cost

    def allows(self, seconds: float) -> bool:
        """Whether there is enough for one after so many seconds of training."""
        return self.left(seconds) >= self.cost

    def spend(self, seconds: float, cost: float) -> None:
        """Notes what was spent, and what a whole one costs."""
        self.spent, self.cost = self.spent + seconds, cost
