"""UniPC: a multistep predictor whose step is corrected by the estimate at its end, at no extra call (Zhao et al. 2023).

Predictor and corrector fit the same exponential integral of the estimate (data prediction, B(h) = e^h - 1), the
corrector with the newest node included. The estimate at the corrected point is not recomputed: the one at the predicted
point serves the next step. The step before one to clean, the longest in lambda, is at most second order, as in the
authors' code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.sampler.step import (
    Noise,
    Step,
    at_device,
    columns,
    half_log_snr,
    numbers,
    quotient,
    to_clean,
    without_gradients,
)

C = TypeVar("C")


@dataclass(frozen=True)
class UniPC:
    """UniPC-p with B2; one call a step.

    Attributes:
        order: Order p of the predictor, 1 to 3; the corrector makes the whole p + 1.
    """

    order: int = 2

    def __post_init__(self) -> None:
        if self.order not in (1, 2, 3):
            raise ValueError(f"order must be 1, 2 or 3, got {self.order}")

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        path = at_device(levels, x)
        alpha, sigma = columns(levels)
        if alpha.dim() > 1:
            raise ValueError("UniPC needs scalar levels, not one per coordinate: use DDIM or DPMpp2M")
        predictor, corrector = _weights(alpha, sigma, self.order)
        keep = numbers(x, quotient(sigma[1:], sigma[:-1]))
        past: list[Tensor] = []
        base = x
        for index, (keep_x,) in enumerate(keep):
            x0 = denoise(x, path[index], cond)
            past = [x0, *past[: self.order]]
            if index and corrector[index - 1]:
                x = _combine(base, keep[index - 1][0], corrector[index - 1], past)
            base = x
            x = _combine(base, keep_x, predictor[index], past)
            yield Step(index, path[index + 1], x, x0)


def _combine(x: Tensor, keep: float | Tensor, weights: list[float], past: list[Tensor]) -> Tensor:
    x = x * keep
    for weight, estimate in zip(weights, past, strict=False):
        x = x + estimate * weight
    return x


def _weights(alpha: Tensor, sigma: Tensor, order: int) -> tuple[list[list[float]], list[list[float]]]:
    """Per step: the predictor's weights of past estimates, newest first; and the corrector's, its end node first."""
    lam = half_log_snr(alpha, sigma)
    predictor: list[list[float]] = []
    corrector: list[list[float]] = []
    for index in range(len(lam) - 1):
        h = lam[index + 1] - lam[index]
        if not bool(torch.isfinite(h)):  # From pure noise or to clean: first order, exact in the limit.
            predictor.append([float(alpha[index + 1])])
            corrector.append([])
            continue
        finite = torch.isfinite(lam[: index + 1]).sum()
        use = int(min(order, finite, 2 if to_clean(sigma, index + 1) else 3))
        nodes = (lam[index - use + 1 : index + 1].flip(0) - lam[index]) / h  # 0, then negative
        predictor.append(_integrate(nodes, h, float(alpha[index + 1]), half=use == 2))
        ends = torch.cat([nodes.new_ones(1), nodes])
        corrector.append(_integrate(ends, h, float(alpha[index + 1]), half=use == 1))
    return predictor, corrector


def _integrate(nodes: Tensor, h: Tensor, alpha: float, *, half: bool) -> list[float]:
    """Weights of the estimates at ``nodes`` (in steps from the step's start; one of them 0) in the step's integral.

    Solves R rho = b of Zhao et al. 2023, eq. 9-10. ``half``: with one difference the paper's code takes rho = 1/2,
    which B2 makes as accurate, instead of the exact solution.
    """
    others = nodes[nodes != 0]
    bottom = torch.expm1(-h)
    count = len(others)
    if half:
        rho = nodes.new_full((1,), 0.5)
    elif count:
        phi, factorial, right = bottom / -h - 1, 1.0, []
        for power in range(1, count + 1):
            right.append(phi * factorial / bottom)
            factorial *= power + 1
            phi = phi / -h - 1 / factorial
        powers = torch.stack([others**power for power in range(count)])
        rho = torch.linalg.solve(powers, torch.stack(right))
    else:
        rho = nodes.new_zeros(0)
    per_node = -alpha * bottom * rho / others
    result = {float(node): float(weight) for node, weight in zip(others, per_node, strict=True)}
    result[0.0] = float(-alpha * bottom - per_node.sum())
    return [result[float(node)] for node in nodes]
