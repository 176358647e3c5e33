"""Whose turn it is: starts share the time by what each has brought lately, and none is left out.

What counts is by how much a start has made the best better, and how many new solutions it has brought, in a second:
means over its turns but the first, late ones count more. A tenth of the time is shared evenly, three tenths by new
solutions, less once there are as many as are wanted, and the rest by the gain. The turn goes to the start that is most
behind its share. First turns, which prepare, may take half of the time once there is a solution. Nothing is drawn.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from becalm_programs.search.solution_pool import Added

_FIRST = 0.5
"""Share of the time, at most, that goes to first turns once there is a solution."""
_EVEN = 0.1
"""Share of the time that is shared evenly."""
_NEW, _ENOUGH = 0.3, 0.05
"""Share that goes by new solutions; the same once there are enough."""
_NO_NEW, _NO_GAIN = 0.1, 1e-5
"""In a second: rates are told apart from here on."""
_LATE = 0.3
"""Weight of the last turn in a rate."""
_NEAR, _FAR = 0.1, 8.0
"""Limits of how far apart solutions are kept."""


@dataclass(slots=True, eq=False)
class Tally:
    """What a start has done.

    Attributes:
        seconds: Of its turns. turns: How many. drawn: Solutions. feasible: Of these. kept: New ones, near enough to the
            best of then. betters: Turns that made the best better.
        gain: By how much it makes the best better in a second, as a share of it. new: Solutions it brings in a second.
        owed: Seconds that count in the sharing: old ones are forgotten.
        apart: How far its solutions are kept from what is known.
    """

    seconds: float = 0.0
    turns: int = 0
    drawn: int = 0
    feasible: int = 0
    kept: int = 0
    betters: int = 0
    gain: float = 0.0
    new: float = 0.0
    owed: float = 0.0
    apart: float = 1.0

    @property
    def each(self) -> float:
        """Seconds for a solution; 0 before the first turn."""
        return self.seconds / max(1, self.drawn) if self.turns else 0.0


class Turns:
    """The sharing of time among starts.

    Args:
        names: Of the starts, in the order of their first turns.
        wanted: How many different solutions are enough.
        memory: Seconds after which half of what a start has used and brought is forgotten.
    """

    def __init__(self, names: Iterable[str], wanted: int, memory: float) -> None:
        self.tallies = {name: Tally() for name in names}
        self._wanted, self._memory, self._first = wanted, memory, 0.0

    def next(self, left: float, among: Sequence[str], known: int) -> str | None:
        """The start whose turn it is; None if none can be done in the seconds that are left.

        Args:
            among: Those that can draw. known: Different solutions so far.
        """
        fits = [name for name in among if self.tallies[name].each <= left]
        fresh = [name for name in fits if not self.tallies[name].turns]
        fits = [name for name in fits if self.tallies[name].turns]
        total = sum(each.seconds for each in self.tallies.values())
        if fresh and (not fits or not known or self._first <= _FIRST * total):
            return fresh[0]
        if not fits:
            return None
        tallies = [self.tallies[name] for name in fits]
        by_new = _NEW if known < self._wanted else _ENOUGH
        news, gains = (
            _split([each.new + _NO_NEW for each in tallies]),
            _split([each.gain + _NO_GAIN for each in tallies]),
        )
        parts = [
            _EVEN / len(fits) + by_new * new + (1 - _EVEN - by_new) * gain
            for new, gain in zip(news, gains, strict=True)
        ]
        used = sum(each.owed for each in tallies)
        behind = [share * used - each.owed for share, each in zip(parts, tallies, strict=True)]
        return fits[behind.index(max(behind))]

    def note(self, name: str, seconds: float, added: Added, *, first: bool = False) -> None:
        """Writes down a turn.

        Args:
            first: Whether it brought the first solution of all.
        """
        for each in self.tallies.values():
            kept = 0.5 ** (seconds / self._memory)
            each.owed, each.gain, each.new = kept * each.owed, kept * each.gain, kept * each.new
        tally = self.tallies[name]
        if not tally.turns:
            self._first += seconds
        else:
            # Of a first turn it is a matter of chance how good the best was before it, and much of it is preparation.
            length = max(seconds, 1e-6)
            tally.gain += _LATE * (added.gain / length - tally.gain)
            tally.new += _LATE * (added.kept / length - tally.new)
        tally.owed += seconds
        tally.seconds += seconds
        tally.turns += 1
        tally.drawn += added.drawn
        tally.feasible += added.feasible
        tally.kept += added.kept
        tally.betters += added.gain > 0 or first
        if 2 * added.repeated > added.drawn:
            tally.apart = min(1.3 * tally.apart, _FAR)
        elif not added.kept:
            tally.apart = max(0.9 * tally.apart, _NEAR)

    def size(self, name: str, seconds: float, most: int) -> int:
        """How many solutions a turn of so many seconds makes, from 1 to ``most``; a first turn tries two."""
        tally = self.tallies[name]
        if not tally.turns:
            return min(2, most)
        return int(min(max(1, math.floor(seconds / max(tally.each, 1e-9))), most))


def _split(rates: Sequence[float]) -> list[float]:
    """Shares by rates."""
    total = sum(rates)
    return [rate / total for rate in rates]
