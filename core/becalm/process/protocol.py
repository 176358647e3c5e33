"""What a process is: four moves between levels, each a draw from a known distribution."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor

from becalm.level import NoiseLevel
from becalm.plugin.kinds import Kind

Noise = Callable[[Tensor], Tensor]
"""Standard normal numbers like a tensor; every process makes its randomness of these."""


class Process(Kind):
    """How samples are noised, and how the noise of a level is taken away where the clean sample is known.

    For any levels r < s < t, noising x0 to s and that ``up`` to t is noising x0 to t; and drawing x at s by ``bridge``
    from x at t and x0 gives what noising x0 to s gives.

    Class attributes:
        gaussian: Whether x = alpha x0 + sigma eps in the coordinates of ``enter``, as ODE samplers need it.
    """

    room: ClassVar[str] = "process"
    usual: ClassVar[str] = "gaussian"
    gaussian: ClassVar[bool] = False

    @abstractmethod
    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        """q(x | x0): a clean sample at a level."""

    @abstractmethod
    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        """q(x_to | x_now): a sample at a noisier level."""

    @abstractmethod
    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        """q(x_to | x_now, x0): a sample at a cleaner level, x0 being known or estimated."""

    @abstractmethod
    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        """Where sampling begins: x at a level, as if nothing was known of x0."""

    def enter(self, x: Tensor) -> Tensor:
        """x in the coordinates that the process noises one by one."""
        return x

    def leave(self, x: Tensor) -> Tensor:
        """The inverse of ``enter``."""
        return x
