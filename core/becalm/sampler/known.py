"""What a step may ask, what a run yields, and how it is drained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from becalm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.denoiser.protocol import Denoiser
    from becalm.level import NoiseLevel
    from becalm.process.protocol import Process

    Noise = Callable[[Tensor], Tensor]
    Moved = tuple[Tensor, Tensor | None, Any]
else:
    Noise, Moved = Callable, tuple

C = TypeVar("C")
Row = tuple[Any, ...]
"""Coefficients of one step: tensors in float64, which ``walk`` moves to the device, and whatever else it needs."""


class Step(NamedTuple):
    """One step of a sampler.

    Attributes:
        index: 0 for the first step.
        level: The level that ``x`` is at, after the step.
        x: The sample at that level.
        x0: The denoiser's estimate that the step used.
        carry: What the sampler hands to its next step: the particles of ``Particles``.
    """

    index: int  # type: ignore[assignment]  # A step is no list to look for things in.
    level: NoiseLevel
    x: Tensor
    x0: Tensor
    carry: Any = None

    def __repr__(self) -> str:
        return f"<Step {self.index}: x {tuple(self.x.shape)} at t = {float(self.level.t.max()):.3g}>"


class Known:
    """What a step may ask: the denoiser with its condition, ``known(x, level)``, and the process.

    In the coordinates of the process, where a Gaussian one noises each by itself.
    """

    __slots__ = ("cond", "denoise", "process")

    def __init__(self, denoise: Denoiser[C], cond: C, process: Process) -> None:
        self.denoise, self.cond, self.process = denoise, cond, process

    def __call__(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """The estimate of x0."""
        return self.denoise(x, level, self.cond)

    def moments(self, x: Tensor, now: NoiseLevel, to: NoiseLevel) -> tuple[Tensor, Tensor]:
        """The estimate of x0, and the log variance of the step from ``now`` to ``to``.

        Raises:
            UserError: If the denoiser knows no variance.
        """
        moments = getattr(self.denoise, "moments", None)
        if moments is None:
            raise UserError("this denoiser has no learned variance: use variance small or large")
        estimate: tuple[Tensor, Tensor] = moments(x, now, to, self.cond)
        return estimate


def last(steps: Iterator[Step]) -> Step:
    """Runs a sampler to its end and returns the last step.

    Raises:
        ValueError: If there were no steps.
    """
    final: Step | None = None
    for final in steps:
        pass
    if final is None:
        raise ValueError("a sampler needs at least two levels")
    return final


def sample(steps: Iterator[Step]) -> Tensor:
    """Runs a sampler to its end and returns the last x.

    Raises:
        ValueError: If there were no steps.
    """
    return last(steps).x
