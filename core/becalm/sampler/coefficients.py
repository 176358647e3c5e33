"""What samplers compute of a path's levels, in float64, by tensors' own methods, so that nothing imports torch.

Multistep samplers solve an exponential integral on the estimate, in lambda = log(alpha / sigma) (Lu et al. 2022b).

Between lambdas l and l + h the ODE's solution is  x' = sigma'/sigma x + alpha' int e^(u - l') x0(u) du.  With x0 taken
as a polynomial of degree 0, 1, 2 through the last estimates this gives, with E = 1 - e^-h,

    x' = sigma'/sigma x + alpha' (E D0 + (1 - E/h) h D1 + (1/2 - 1/h + E/h^2) h^2 D2),   D_k the k-th derivative.

A path may start at pure noise, lambda = -inf: that step is first order and exact in the limit, and its estimate is left
out of the history of differences. The last step, to clean, is first order (h = inf).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.path import Path


def quotient(top: Tensor, bottom: Tensor) -> Tensor:
    """Divides, with 0 / 0 = 1: two levels that are both clean, or both pure noise, differ by no factor."""
    return (top / bottom).where((top != 0) | (bottom != 0), top.new_ones(()))


def carried(sigma: Tensor, then: Tensor) -> Tensor:
    """sigma' / sigma, the share of x's noise that a step without new noise keeps.

    On the way up from a clean level, which holds none, 0: the step goes to the mean, alpha' x0.
    """
    return quotient(then, sigma).where((sigma != 0) | (then == 0), sigma.new_zeros(()))


def noisy_ends(sigma: Tensor) -> list[bool]:
    """Which steps of a path end at a level that holds noise; those to a clean level add none. ``sigma`` is (L, ...)."""
    held: list[bool] = (sigma[1:].reshape(len(sigma) - 1, -1) > 0).any(1).tolist()
    return held


def to_clean(sigma: Tensor, index: int) -> bool:
    """Whether a path has a step ``index`` and it ends at a clean level."""
    return index + 1 < len(sigma) and bool((sigma[index + 1] == 0).any())


def half_log_snr(path: Path) -> Tensor:
    """log(alpha / sigma), the field's lambda: -inf at pure noise, +inf at clean."""
    return path.alpha.log() - path.sigma.log()


def steps(*values: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """One tuple of coefficients per step, from (L - 1, ...) each."""
    return zip(*(value.unbind() for value in values), strict=True)


def second_order(path: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Factor of x, gain alpha' (1 - e^-h), shares of this and the last estimate in its target; each (L - 1, ...).

    The target is x0 at the step's middle, extrapolated: x0 + h / (2 h_last) (x0 - x0_last).
    """
    h = half_log_snr(path).diff(dim=0)
    reach = h.new_zeros(h.shape)
    reach[1:] = h[1:] / (2 * h[:-1])
    # After a start at pure noise h_last is infinite and the reach 0; to a clean end h is, and the step is first order.
    reach = reach.where(reach.isfinite(), h.new_zeros(()))
    keep = carried(path.sigma[:-1], path.sigma[1:])
    return keep, path.alpha[1:] - keep * path.alpha[:-1], 1 + reach, -reach


def moments(h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The integrals of e^(u - h) u^k / k! over 0 < u < h for k = 0, 1, 2."""
    zeroth = -(-h).expm1()
    first = h - zeroth
    return zeroth, first, h**2 / 2 - first
