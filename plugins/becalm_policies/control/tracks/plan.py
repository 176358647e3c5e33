"""A chunk on its way: planned here and now, or elsewhere while the last one is executed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from becalm_policies.control.join import Previous
from becalm_policies.demonstrations.episodes import Indices

Actions = npt.NDArray[np.float32]
Clip = Callable[[Actions], Actions]
"""Actions as the environment takes them."""
Job = Callable[[], Tensor]
"""Plans chunks (n, Tp, A), in the environment's units, not clipped."""


class Plan(Protocol):
    """What becomes of a job; a ``concurrent.futures.Future`` is one."""

    def done(self) -> bool: ...

    def result(self) -> Tensor: ...


Start = Callable[[Job], Plan]
"""Has a job done."""
Ask = Callable[[Indices, Previous | None], Plan]
"""Has chunks planned for some environments, (n,), that go on with what was planned before."""


def among(rows: Indices, count: int) -> Indices | slice:
    """Those rows of ``count``, as an index: with one environment, or one beat for all, nothing is picked."""
    return slice(None) if len(rows) == count else rows


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A plan that is there."""

    chunks: Tensor

    def done(self) -> bool:
        """Always."""
        return True

    def result(self) -> Tensor:
        """The chunks."""
        return self.chunks


def at_once(job: Job) -> Plan:
    """Does a job before anything else happens."""
    return Made(job())
