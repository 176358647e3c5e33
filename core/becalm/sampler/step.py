"""What samplers yield, what they have in common, and how a run is drained.

A sampler is a generator of frozen steps: progress bars, films, early stopping are ordinary consumers. Coefficients are
computed once per run, in float64; the loop itself is a few fused tensor operations and never waits for the device.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.path import along, whole
from becalm.path import numbers as numbers

C = TypeVar("C")
P = ParamSpec("P")
Row = TypeVar("Row")
Noise = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a sampler.

    Attributes:
        index: 0 for the first step.
        level: The level that ``x`` is at, after the step.
        x: The sample at that level.
        x0: The denoiser's estimate that the step used.
    """

    index: int
    level: NoiseLevel
    x: Tensor
    x0: Tensor


class Sampler(Protocol):
    """A way from noise to data.

    Args of the call:
        denoise: The denoiser, guided or not.
        x: Start, at ``levels[0]``.
        levels: Path of at least two levels, noisy to clean.
        cond: Handed to the denoiser.
        noise: Called once per noisy step with a tensor of the shape wanted.
    """

    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]: ...


def without_gradients(steps: Callable[P, Iterator[Step]]) -> Callable[P, Iterator[Step]]:
    """``torch.no_grad`` for a sampler: off while it works, as the consumer has it between the steps.

    torch's own does the same, but takes the time of four operations on a small tensor at each step.
    """

    @wraps(steps)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Step]:
        inner = steps(*args, **kwargs)
        while True:
            outside = torch.is_grad_enabled()
            try:
                # Within, since Ctrl-C is noticed as this returns.
                torch.set_grad_enabled(False)
                step = next(inner)
            except StopIteration:
                return
            finally:
                torch.set_grad_enabled(outside)
            yield step

    return run


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


def columns(levels: list[NoiseLevel]) -> tuple[Tensor, Tensor]:
    """The alpha and sigma of a path, (L, ...) float64."""
    path = whole(levels)
    if path is not None:
        return path.levels.alpha, path.levels.sigma
    return (
        torch.stack([level.alpha.double() for level in levels]),
        torch.stack([level.sigma.double() for level in levels]),
    )


def quotient(top: Tensor, bottom: Tensor) -> Tensor:
    """Divides, with 0 / 0 = 1: two levels that are both clean, or both pure noise, differ by no factor."""
    return torch.where((top == 0) & (bottom == 0), torch.ones_like(top), top / bottom)


def noisy_ends(sigma: Tensor) -> list[bool]:
    """Which steps of a path end at a level that holds noise; those to a clean level add none. ``sigma`` is (L, ...)."""
    held: list[bool] = (sigma[1:].flatten(1) > 0).any(1).tolist() if sigma.dim() > 1 else (sigma[1:] > 0).tolist()
    return held


def to_clean(sigma: Tensor, index: int) -> bool:
    """Whether a path has a step ``index`` and it ends at a clean level."""
    return index + 1 < len(sigma) and bool((sigma[index + 1] == 0).any())


def planned(sampler: Hashable, path: list[NoiseLevel], make: Callable[[], list[Row]]) -> list[Row]:
    """A sampler's coefficients along a path from ``at_device``, made once for each path.

    Args:
        sampler: What they depend on beside the path: the sampler itself, a frozen dataclass.
    """
    place = path[0].place
    return make() if place is None else place.path.table(sampler, lambda _: make())


def half_log_snr(alpha: Tensor, sigma: Tensor) -> Tensor:
    """log(alpha / sigma), the field's lambda: -inf at pure noise, +inf at clean."""
    return alpha.log() - sigma.log()


def at_device(levels: list[NoiseLevel], x: Tensor) -> list[NoiseLevel]:
    """The path on x's device, so that no step copies."""
    return along(levels, x)
