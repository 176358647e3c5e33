"""What a schedule is: time t in [0, 1] to a noise level, as a frozen model that is also the function.

One object is configuration, documentation and code. Everything here is float64; the cast happens at the network.
"""

from abc import abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor

from becalm.level import NoiseLevel
from becalm.plugin.kinds import Kind
from becalm.process.protocol import Process


@runtime_checkable
class NoiseSchedule(Protocol):
    """Anything that maps times, a float64 tensor in [0, 1], to levels of the same shape.

    Alpha and sigma may have more axes behind those of the times: one number per coordinate.
    """

    def __call__(self, t: Tensor) -> NoiseLevel: ...


class Schedule(Kind):
    """A schedule that a configuration can name by its ``kind``."""

    room: ClassVar[str] = "schedule"

    @abstractmethod
    def __call__(self, t: Tensor) -> NoiseLevel: ...

    def check(self, process: Process, rows: tuple[int, ...]) -> None:
        """Refuses a process or rows of data that it has no levels for; one of scalar levels takes any.

        Args:
            rows: Shape of a row of x.

        Raises:
            UserError: If so.
        """

    def capped(self) -> "Schedule":
        """The same schedule with a trace of the data left at t = 1, as its paper has it; itself if it knows none."""
        return self

    @property
    def finest(self) -> float:
        """The time of the first noisy level where t = 0 is clean: a table's first entry."""
        return 1e-3


def double(t: Tensor) -> Tensor:
    """Times in float64."""
    return t.double()


def check_ordered(low: float, high: float) -> None:
    """Refuses bounds that do not ascend.

    Raises:
        ValueError: If so.
    """
    if low >= high:
        raise ValueError(f"low must be below high, got {low} and {high}")
