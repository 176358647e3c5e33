"""When a search ends: the time is over, or as many solutions as are wanted are found."""

from dataclasses import dataclass

SECONDS = 10.0
"""How long is searched where nothing is said."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is searched for.

    Attributes:
        seconds: Wall-clock.
        distinct: End before, with so many different solutions; None to use all the time.
        within: Only those count that are so near to the best found, as a share of its objective; None for any. Then
            the search goes on until the best is as old as it was when it was found: what is near to a poor best is
            soon found.
    """

    seconds: float = SECONDS
    distinct: int | None = None
    within: float | None = None

    def reached(self, seconds: float, found: int, best_at: float) -> bool:
        """Whether to end.

        Args:
            seconds: Since the beginning. found: Different solutions. best_at: When the best was found.
        """
        if seconds >= self.seconds:
            return True
        if self.distinct is None or found < self.distinct:
            return False
        return self.within is None or seconds >= 2 * best_at
