"""What guidance and energies are, and how several are put together."""

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from torch import Tensor

from becalm.batch import per_sample, tile
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.level import NoiseLevel

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
Scale = float | Tensor | Callable[[NoiseLevel], float | Tensor]
"""A number, one per sample (B,), or a function of the level to one of these."""


class Guidance(Protocol[C]):
    """Makes a guided denoiser of a denoiser."""

    def __call__(self, denoise: Denoiser[C], /) -> Denoiser[C]: ...


class Energy(Protocol[C_contra]):
    """(x, level, cond) to one number per sample, (B,); low is good. A batch never couples its members."""

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C_contra, /) -> Tensor: ...


def compose(*guidance: Guidance[C]) -> Guidance[C]:
    """Applies several in turn; the first is nearest the network."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        for guide in guidance:
            denoise = guide(denoise)
        return denoise

    return apply


def interval(guidance: Guidance[C], low: float, high: float) -> Guidance[C]:
    """Guides only at times low <= t <= high, and costs nothing elsewhere (Kynkaanniemi et al. 2024)."""
    if not 0.0 <= low <= high <= 1.0:
        raise UserError(f"a guidance interval needs 0 <= low <= high <= 1, got {low} and {high}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        guide = guidance(denoise)

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            # A level's time stays on the host (NoiseLevel.to), so this comparison waits for no device.
            return guide(x, level, cond) if low <= float(level.t) <= high else denoise(x, level, cond)

        return wrap(denoise, guided)

    return apply


def at(scale: Scale, level: NoiseLevel) -> float | Tensor:
    """The scale at a level."""
    return scale(level) if callable(scale) else scale


def per_row(scale: Scale, x: Tensor, level: NoiseLevel, cond: object) -> float | Tensor:
    """The scale at a level so that it broadcasts against x."""
    value = at(scale, level)
    if not isinstance(value, Tensor):
        return value
    owner, value = owner_of(cond), value.to(x)
    return per_sample(tile(value, x, owner), x, owner) if value.dim() else value


def total(*terms: tuple[float, Energy[C]]) -> Energy[C]:
    """A weighted sum of energies, itself an energy."""

    def energy(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return cast(Tensor, sum(weight * term(x, level, cond) for weight, term in terms))

    return energy
