"""The straight move: with an estimate x0 in hand, the noise that x holds is kept.

    x' = alpha' x0 + sigma' eps,    eps = (x - alpha x0) / sigma

(Song et al. 2021, eq. 12, with eta = 0.) A denoiser, whose estimate is a mean, makes it good for small steps alone; a
consistency function, whose estimate is the end of the ODE's path, for the way to clean (Song et al. 2023, section 3).
"""

from typing import TypeVar

from torch import Tensor

from becalm.denoiser.protocol import Denoiser
from becalm.jump.protocol import Jump
from becalm.level import NoiseLevel
from becalm.sampler.coefficients import carried

C = TypeVar("C")


def toward(x: Tensor, x0: Tensor, level: NoiseLevel, to: NoiseLevel) -> Tensor:
    """The straight move from ``level`` to ``to`` if the clean part of x is x0; x itself where the levels are the same.

    Args:
        x, x0: Rows.
        level, to: Levels that broadcast against them. To a clean one the move ends in x0, from a clean one it goes to
            the mean, alpha' x0.
    """
    keep = carried(level.sigma, to.sigma)
    return keep.to(x) * x + (to.alpha - keep * level.alpha).to(x) * x0


def straight(denoise: Denoiser[C]) -> Jump[C]:
    """A denoiser as a jump, by the straight move along its estimate: one step of DDIM."""

    def jump(x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C) -> Tensor:
        return toward(x, denoise(x, level, cond), level, to)

    return jump


def to_clean(jump: Jump[C], clean: NoiseLevel) -> Denoiser[C]:
    """A jump to a clean level as a denoiser."""

    def denoise(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return jump(x, level, clean, cond)

    return denoise


def aim(x: Tensor, there: Tensor, level: NoiseLevel, to: NoiseLevel) -> Tensor:
    """The estimate x0 with which the straight move from x ends at ``there``: the inverse of ``toward`` in x0.

    Salimans and Ho 2022, appendix G, for the variance-preserving case. ``to`` must be cleaner than ``level``.
    """
    keep = carried(level.sigma, to.sigma)
    return (there - keep.to(x) * x) / (to.alpha - keep * level.alpha).to(x)
