"""Gaussian noise.

For levels t > s, with a = alpha_t / alpha_s and v = sigma_t^2 - a^2 sigma_s^2 the variance that noising s
to t adds,

    q(x_s | x_t, x0) = N( a sigma_s^2 / sigma_t^2 x_t + alpha_s v / sigma_t^2 x0,  v sigma_s^2 / sigma_t^2 )

(Ho et al. 2020, eq. 6-7, for any two levels; so a strided chain has the posterior variance of its own sub-sequence, as
Nichol and Dhariwal 2021, section 4, ask.)
"""

from typing import ClassVar, Literal

from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.protocol import Noise, Process


class Gaussian(Process):
    """x = alpha x0 + sigma eps, eps standard normal."""

    kind: Literal["gaussian"] = "gaussian"
    gaussian: ClassVar[bool] = True

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return level.mix(x0, noise(x0))

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        ratio = quotient(to.alpha, now.alpha)
        added = (to.sigma**2 - ratio**2 * now.sigma**2).clamp(min=0)
        return x * ratio.to(x) + noise(x) * added.sqrt().to(x)

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        keep, change, small, _ = (value.to(x) for value in posterior(now.alpha, now.sigma, to.alpha, to.sigma))
        return x * keep + x0 * change + noise(x) * small.sqrt()

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return noise(like) * level.total_std.to(like)


def posterior(alpha_t: Tensor, sigma_t: Tensor, alpha_s: Tensor, sigma_s: Tensor) -> tuple[Tensor, ...]:
    """Of q(x_s | x_t, x0): factors of x_t and x0, small and large variance; t is the noisier level.

    The small variance is the posterior's own, right for data of zero variance; the large one v, right for data of unit
    variance. Both are 0 at a clean level.
    """
    ratio = quotient(alpha_t, alpha_s)
    share = quotient(sigma_s**2, sigma_t**2)
    added = (sigma_t**2 - ratio**2 * sigma_s**2).clamp(min=0)
    keep = ratio * share
    # alpha_s v / sigma_t^2 = alpha_s - keep alpha_t: the form that is defined for a coordinate that is clean already.
    change = alpha_s - keep * alpha_t
    return keep, change, added * share, added.where(sigma_s > 0, added.new_zeros(()))


def quotient(top: Tensor, bottom: Tensor) -> Tensor:
    """Divides, with 0 / 0 = 1: two levels that are both clean, or both pure noise, differ by no factor."""
    return (top / bottom).where((top != 0) | (bottom != 0), top.new_ones(()))


GAUSSIAN = Gaussian()
