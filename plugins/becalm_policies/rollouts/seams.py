"""How smoothly one chunk goes over into the next: jerk at the seams against jerk within chunks.

Jerk is the third difference of the executed actions, each entry in units of its standard deviation,

    |a[t] - 3 a[t - 1] + 3 a[t - 2] - a[t - 3]|,

and is at a seam if a chunk took over at t - 2, t - 1 or t.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jerk:
    """Mean jerk of some episodes, in standard deviations of an action per cubed step.

    Attributes:
        seams: Where a chunk took over. within: Elsewhere.
    """

    seams: float
    within: float

    @property
    def ratio(self) -> float:
        """Of the first to the second; 1 where nothing moves."""
        if not self.within:
            return 1.0 if not self.seams else float("inf")
        return self.seams / self.within


def jerk(episodes: Sequence[Array], *, execute: int, delay: int = 0, second: int | None = None) -> Jerk | None:
    """The jerk of episodes, actions (T, A) each, whose chunks take over every ``execute`` steps.

    Args:
        delay: Steps from an observation to the first executed action of its chunk; the first chunk has none.
        second: The step at which the second chunk is asked for; default: ``execute``.

    Returns:
        None if there is nothing to compare: no seam, or no three steps without one.
    """
    if not episodes:
        return None
    spread = np.concatenate(episodes).std(0)
    at, within = [], []
    for actions in episodes:
        third = np.linalg.norm(np.diff(actions / np.where(spread > 0, spread, 1.0), n=3, axis=0), axis=1)
        step = np.arange(len(third)) + 3
        seam = np.zeros(len(third), bool)
        for back in range(3):
            begun = step - back - delay - (execute if second is None else second)
            seam |= (begun >= 0) & (begun % execute == 0)
        at.append(third[seam])
        within.append(third[~seam])
    seams, rest = np.concatenate(at), np.concatenate(within)
    return Jerk(float(seams.mean()), float(rest.mean())) if len(seams) and len(rest) else None
