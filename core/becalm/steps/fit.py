"""Few levels for a sampler, from a walk in many: by dynamic programming, then moved one by one.

The path with the least sum of local errors begins it (``choose``). Then each time between is moved by shares of the way
to its neighbours while the samples that the sampler really ends with come nearer to the teacher's, from the same noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from becalm.path import Path
from becalm.sampler import Sampler
from becalm.steps.choose import choose
from becalm.steps.local import Walked, local_errors

_SHARES = (0.5, 0.25, 0.12)


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted times.

    Attributes:
        times: Descending; clean follows.
        error: Mean distance per entry of the samples from the teacher's, in units of their space.
        before: The same of the default levels.
    """

    times: tuple[float, ...]
    error: float
    before: float


def fit(
    sampler: Sampler,
    walked: Walked,
    calls: int,
    ends: Callable[[tuple[float, ...]], Tensor],
    default: tuple[float, ...],
    again: Callable[[], bool] = lambda: True,
) -> Fit:
    """Times for a sampler of so many steps.

    Args:
        walked: The teacher's walk, of more levels than ``calls``.
        ends: Samples of a walk along times, from the teacher's noise; calls the network.
        default: Times to compare with, which stay if nothing is better.
        again: Asked before each walk whether there is time for one more.

    Raises:
        UserError: If the sampler adds noise, or the teacher has no more levels than that.
    """
    goal = walked.x[-1]

    def error(times: tuple[float, ...]) -> float:
        wrong = ends(times) - goal
        return float(wrong.reshape(len(wrong), -1).square().mean(1).sqrt().mean())

    numbers = choose(*local_errors(sampler, walked), calls)
    chosen = times_of(walked.path, numbers)
    before = error(default)
    best, least = min(((default, before), (chosen, error(chosen))), key=lambda one: one[1])
    for share in _SHARES:
        for place in range(1, calls):
            for neighbour in (place - 1, place + 1):
                if not again():
                    return Fit(best, least, before)
                other = best[neighbour] if neighbour < calls else 0.0
                moved = best[place] + share * (other - best[place])
                times = (*best[:place], moved, *best[place + 1 :])
                if (found := error(times)) < least:
                    best, least = times, found
    return Fit(best, least, before)


def times_of(path: Path, numbers: list[int]) -> tuple[float, ...]:
    """The times of some levels of a path that ends clean, without the clean one."""
    return tuple(float(path[number].t) for number in numbers[:-1])
