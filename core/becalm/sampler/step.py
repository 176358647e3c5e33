"""What a sampler is: coefficients along a path, and one step.

    class Mine(Sampler):
        kind: Literal["mine"] = "mine"

        def rows(self, path): ...                                 one tuple of coefficients per step, float64, pure
        def step(self, row, x, now, to, known, noise, carry): ... x at ``to``, the estimate, what the next step needs

``walk`` computes the rows once for a path, device and dtype, and goes along it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from becalm.plugin.kinds import Kind
from becalm.sampler.known import Known, Moved, Noise, Row, Step
from becalm.sampler.known import last as last
from becalm.sampler.known import sample as sample

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.denoiser.protocol import Denoiser
    from becalm.level import NoiseLevel
    from becalm.path import Path
    from becalm.process.protocol import Process

C = TypeVar("C")


class Sampler(Kind):
    """A way from noise to data.

    Class attributes:
        gaussian: Whether it needs a Gaussian process.
        spacing: How the levels are spaced where a request says nothing.
    """

    room: ClassVar[str] = "sampler"
    gaussian: ClassVar[bool] = True
    spacing: ClassVar[str] = "trailing"

    def along(self, path: Path) -> Path:
        """The path that it walks where it is given this one: some go up on the way.

        Raises:
            ValueError: If it cannot walk it.
        """
        return path

    @abstractmethod
    def rows(self, path: Path) -> Sequence[Row]:
        """The coefficients of each step of a path from ``along``: a pure function, since they are kept."""

    @abstractmethod
    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        """One step.

        Args:
            row: Its coefficients, on x's device; scalars at least in float32.
            x: The sample at level ``now``; not to be changed in place.
            noise: Standard normal numbers like a tensor.
            carry: What the last step returned as such, None at first.

        Returns:
            x at ``to``; the estimate of x0 that it used, or None for a move of noise alone, which is no step to those
            who watch; and what to carry.
        """

    def __call__(
        self,
        denoise: Denoiser[C],
        x: Tensor,
        levels: Sequence[NoiseLevel],
        cond: C,
        noise: Noise | None = None,
        process: Process | None = None,
    ) -> Iterator[Step]:
        """Walks, lazily: a step is computed when it is asked for.

        Args:
            denoise: The denoiser, guided or not.
            x: Start, at ``levels[0]``.
            levels: Path of at least two levels, noisy to clean.
            cond: Handed to the denoiser.
            noise: Called once per noisy step with a tensor of the shape wanted; by default ``torch.randn_like``.
            process: What noise is; by default Gaussian.

        Raises:
            ValueError: On the first step, if the path or the process is none that it can walk.
        """
        from becalm.sampler.walk import walk

        return walk(self, denoise, x, levels, cond, noise, process)
