"""DPM-Solver++: exponential integrators on the estimate, in lambda = log(alpha / sigma) (Lu et al. 2022b).

Between lambdas l and l + h the ODE's solution is  x' = sigma'/sigma x + alpha' int e^(u - l') x0(u) du.  With x0 taken
as a polynomial of degree 0, 1, 2 through the last estimates this gives, with E = 1 - e^-h,

    x' = sigma'/sigma x + alpha' (E D0 + (1 - E/h) h D1 + (1/2 - 1/h + E/h^2) h^2 D2),   D_k the k-th derivative.

A path may start at pure noise, lambda = -inf: that step is first order and exact in the limit, and its estimate is left
out of the history of differences. The last step, to clean, is first order (h = inf).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.sampler.ancestral import posterior
from becalm.sampler.step import (
    Noise,
    Step,
    at_device,
    columns,
    half_log_snr,
    noisy_ends,
    numbers,
    planned,
    quotient,
    to_clean,
    without_gradients,
)

C = TypeVar("C")


@dataclass(frozen=True)
class DPMpp2M:
    """Second order, multistep, one call a step (Lu et al. 2022b, algorithm 2)."""

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        path = at_device(levels, x)
        rows = planned(self, path, lambda: self._rows(path, x))
        last: Tensor | None = None
        for index, (keep_x, keep_now, keep_before) in enumerate(rows):
            x0 = denoise(x, path[index], cond)
            x = (x * keep_x).addcmul_(x0, keep_now)
            if last is not None:
                x = x.addcmul_(last, keep_before)
            last = x0
            yield Step(index, path[index + 1], x, x0)

    def _rows(self, path: list[NoiseLevel], x: Tensor) -> list[tuple[Tensor, ...]]:
        """Per step: factors of x, of this estimate and of the last one."""
        keep, gain, now, before = second_order(path)
        return numbers(x, keep, gain * now, gain * before)


@dataclass(frozen=True)
class DPMpp3M:
    """Third order, multistep, one call a step.

    The integral above with all of its terms; some libraries halve the one of D2, which leaves them second order. The
    first step knows one estimate only, so it is first order and would hold the whole run back to second order. As soon
    as the estimate at its end is there, it is corrected by it, as UniPC corrects every step (Zhao et al. 2023), at no
    extra call.
    """

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        path = at_device(levels, x)
        rows = numbers(x, *third_order(levels))
        first, correct = first_step(x, levels)
        past: list[Tensor] = []
        for index, (keep_x, *weights) in enumerate(rows):
            x0 = denoise(x, path[index], cond)
            if index == first + 1:
                x = x + (x0 - past[0]) * correct
            past = [x0, *past[:2]]
            x = x * keep_x
            for weight, estimate in zip(weights, past, strict=False):
                x = x + estimate * weight
            yield Step(index, path[index + 1], x, x0)


@dataclass(frozen=True)
class DPMppSDE:
    """Second order, multistep, on the reverse SDE (SDE-DPM-Solver++(2M), Lu et al. 2022b, appendix D).

    Its first-order form is DDPM with the small variance: only the estimate differs, taken at the step's middle.
    """

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        path = at_device(levels, x)
        keep, gain, small, _ = posterior(levels)
        _, _, now, before = second_order(levels)
        noisy = noisy_ends(columns(levels)[1])
        rows = numbers(x, keep, gain * now, gain * before, small.sqrt())
        last: Tensor | None = None
        for index, (keep_x, keep_now, keep_before, spread) in enumerate(rows):
            x0 = denoise(x, path[index], cond)
            x = x * keep_x + x0 * keep_now
            if last is not None:
                x = x + last * keep_before
            if noisy[index]:
                x = x + noise(x) * spread
            last = x0
            yield Step(index, path[index + 1], x, x0)


def second_order(levels: list[NoiseLevel]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Factor of x, gain alpha' (1 - e^-h), shares of this and the last estimate in its target; each (L - 1, ...).

    The target is x0 at the step's middle, extrapolated: x0 + h / (2 h_last) (x0 - x0_last).
    """
    alpha, sigma = columns(levels)
    h = half_log_snr(alpha, sigma).diff(dim=0)
    reach = torch.zeros_like(h)
    reach[1:] = h[1:] / (2 * h[:-1])
    # After a start at pure noise h_last is infinite and the reach 0; to a clean end h is, and the step is first order.
    reach = torch.where(torch.isfinite(reach), reach, torch.zeros_like(h))
    keep = quotient(sigma[1:], sigma[:-1])
    return keep, alpha[1:] - keep * alpha[:-1], 1 + reach, -reach


def third_order(levels: list[NoiseLevel]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Factors of x and of the last three estimates, newest first; each (L - 1, ...).

    The step before one to clean stays second order: even in time it is the longest in lambda, too long for a parabola.
    """
    alpha, sigma = columns(levels)
    lam = half_log_snr(alpha, sigma)
    keep, gain, now, before = second_order(levels)
    first, second, third = gain * now, gain * before, torch.zeros_like(gain)
    for index in range(2, len(gain)):
        if not bool(torch.isfinite(lam[index - 2 : index + 2]).all()) or to_clean(sigma, index + 1):
            continue
        weight0, weight1, weight2 = moments(lam[index + 1] - lam[index])
        # The quadratic through the nodes 0, -a, -b gives the derivatives at the newest node.
        a, b = lam[index] - lam[index - 1], lam[index] - lam[index - 2]
        first[index] = alpha[index + 1] * (weight0 + weight1 * (a + b) / (a * b) + weight2 * 2 / (a * b))
        second[index] = -alpha[index + 1] * (weight1 * b + weight2 * 2) / (a * (b - a))
        third[index] = alpha[index + 1] * (weight1 * a + weight2 * 2) / (b * (b - a))
    return keep, first, second, third


def first_step(x: Tensor, levels: list[NoiseLevel]) -> tuple[int, Tensor]:
    """Number of the first step between finite lambdas, -2 if none, and what corrects it per change of the estimate.

    The step took x0 as constant; linear between the estimates at both ends, it gains alpha' (1 - E/h) (x0' - x0).
    """
    alpha, sigma = columns(levels)
    lam = half_log_snr(alpha, sigma)
    for index in range(min(2, len(lam) - 2)):
        if bool(torch.isfinite(lam[index : index + 2]).all()):
            h = lam[index + 1] - lam[index]
            return index, (alpha[index + 1] * moments(h)[1] / h).to(x)
    return -2, alpha.new_zeros(())


def moments(h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The integrals of e^(u - h) u^k / k! over 0 < u < h for k = 0, 1, 2."""
    zeroth = -torch.expm1(-h)
    first = h - zeroth
    return zeroth, first, h**2 / 2 - first
