"""DPM-Solver++(3M): third order, multistep: the integral of ``coefficients`` with all of its terms.

Some libraries halve the term of D2, which leaves them second order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from becalm.sampler.coefficients import half_log_snr, moments, second_order, steps, to_clean
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class DPMpp3M(Sampler):
    """Third order, multistep, one call of the denoiser a step.

    The first step knows one estimate only, so it is first order and would hold the whole run back to second order. As
    soon as the estimate at its end is there, it is corrected by it, as UniPC corrects every step (Zhao et al. 2023), at
    no extra call.
    """

    kind: Literal["dpmpp3m"] = "dpmpp3m"

    def rows(self, path: Path) -> Sequence[Row]:
        """Factors of x and of the last three estimates, newest first; and what corrects the last step, or None."""
        first, correct = _first_step(path)
        rows = enumerate(steps(*_third_order(path)))
        return [(*row, correct if index == first + 1 else None) for index, row in rows]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, *weights, correct = row
        x0 = known(x, now)
        past: tuple[Tensor, ...] = carry or ()
        if correct is not None:
            x = x + (x0 - past[0]) * correct
        past = (x0, *past[:2])
        x = x * keep
        for weight, estimate in zip(weights, past, strict=False):
            x.add_(estimate * weight)
        return x, x0, past


def _third_order(path: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Factors of x and of the last three estimates, newest first; each (L - 1, ...).

    The step before one to clean stays second order: even in time it is the longest in lambda, too long for a parabola.
    """
    alpha, lam = path.alpha, half_log_snr(path)
    keep, gain, now, before = second_order(path)
    first, second, third = gain * now, gain * before, gain.new_zeros(gain.shape)
    for index in range(2, len(gain)):
        if not bool(lam[index - 2 : index + 2].isfinite().all()) or to_clean(path.sigma, index + 1):
            continue
        weight0, weight1, weight2 = moments(lam[index + 1] - lam[index])
        # The quadratic through the nodes 0, -a, -b gives the derivatives at the newest node.
        a, b = lam[index] - lam[index - 1], lam[index] - lam[index - 2]
        first[index] = alpha[index + 1] * (weight0 + weight1 * (a + b) / (a * b) + weight2 * 2 / (a * b))
        second[index] = -alpha[index + 1] * (weight1 * b + weight2 * 2) / (a * (b - a))
        third[index] = alpha[index + 1] * (weight1 * a + weight2 * 2) / (b * (b - a))
    return keep, first, second, third


def _first_step(path: Path) -> tuple[int, Tensor]:
    """Number of the first step between finite lambdas, -2 if none, and what corrects it per change of the estimate.

    The step took x0 as constant; linear between the estimates at both ends, it gains alpha' (1 - E/h) (x0' - x0).
    """
    lam = half_log_snr(path)
    for index in range(min(2, len(lam) - 2)):
        if bool(lam[index : index + 2].isfinite().all()):
            h = lam[index + 1] - lam[index]
            return index, path.alpha[index + 1] * moments(h)[1] / h
    return -2, path.alpha.new_zeros(())
