"""UniPC: a multistep predictor whose step is corrected by the estimate at its end, at no extra call (Zhao et al. 2023).

Predictor and corrector fit the same exponential integral of the estimate (data prediction, B(h) = e^h - 1), the
corrector with the newest node included. The estimate at the corrected point is not recomputed: the one at the predicted
point serves the next step. The step before one to clean, the longest in lambda, is at most second order, as in the
authors' code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from becalm.errors import UserError
from becalm.sampler.coefficients import carried, half_log_snr, to_clean
from becalm.sampler.known import Known, Moved, Noise, Row
from becalm.sampler.step import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.level import NoiseLevel
    from becalm.path import Path


class UniPC(Sampler):
    """UniPC-p with B2; one call of the denoiser a step.

    Attributes:
        order: Order p of the predictor, 1 to 3; the corrector makes the whole p + 1.
    """

    kind: Literal["unipc"] = "unipc"
    order: int = Field(2, ge=1, le=3, description="Order of the predictor.")

    def along(self, path: Path) -> Path:
        if not path.scalar:
            raise UserError("UniPC needs scalar levels, not one per coordinate: use DDIM or DPMpp2M")
        return path

    def rows(self, path: Path) -> Sequence[Row]:
        """Factor of x and of past estimates, newest first; and the last step's factor of x and its corrector's."""
        keep = carried(path.sigma[:-1], path.sigma[1:]).unbind()
        predictor, corrector = _weights(path, self.order)
        before = [(None, ()), *zip(keep, corrector, strict=True)]
        return [(keep[index], predictor[index], *before[index]) for index in range(len(keep))]

    def step(
        self, row: Any, x: Tensor, now: NoiseLevel, to: NoiseLevel, known: Known, noise: Noise, carry: Any
    ) -> Moved:
        keep, predictor, kept, corrector = row
        base, past = carry or (x, ())
        x0 = known(x, now)
        past = (x0, *past[: self.order])
        if corrector:
            x = _combine(base, kept, corrector, past)
        return _combine(x, keep, predictor, past), x0, (x, past)


def _combine(x: Tensor, keep: Tensor, weights: tuple[Tensor, ...], past: tuple[Tensor, ...]) -> Tensor:
    x = x * keep
    for weight, estimate in zip(weights, past, strict=False):
        x.add_(estimate * weight)
    return x


def _weights(path: Path, order: int) -> tuple[list[tuple[Tensor, ...]], list[tuple[Tensor, ...]]]:
    """Per step: the predictor's weights of past estimates, newest first; and the corrector's, its end node first."""
    lam, alpha = half_log_snr(path), path.alpha
    predictor: list[tuple[Tensor, ...]] = []
    corrector: list[tuple[Tensor, ...]] = []
    for index in range(len(lam) - 1):
        h = lam[index + 1] - lam[index]
        if not bool(h.isfinite()):  # From pure noise or to clean: first order, exact in the limit.
            predictor.append((alpha[index + 1],))
            corrector.append(())
            continue
        finite = lam[: index + 1].isfinite().sum()
        use = int(min(order, finite, 2 if to_clean(path.sigma, index + 1) else 3))
        nodes = (lam[index - use + 1 : index + 1].flip(0) - lam[index]) / h  # 0, then negative
        predictor.append(_integrate(nodes, h, alpha[index + 1], half=use == 2))
        ends = nodes.new_ones(use + 1)
        ends[1:] = nodes
        corrector.append(_integrate(ends, h, alpha[index + 1], half=use == 1))
    return predictor, corrector


def _integrate(nodes: Tensor, h: Tensor, alpha: Tensor, *, half: bool) -> tuple[Tensor, ...]:
    """Weights of the estimates at ``nodes`` (in steps from the step's start; one of them 0) in the step's integral.

    Solves R rho = b of Zhao et al. 2023, eq. 9-10. ``half``: with one difference the paper's code takes rho = 1/2,
    which B2 makes as accurate, instead of the exact solution.
    """
    import torch

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
    weights = nodes.new_zeros(nodes.shape)
    weights[nodes != 0] = -alpha * bottom * rho / others
    weights[nodes == 0] = -alpha * bottom - weights.sum()
    return tuple(weights.unbind())
