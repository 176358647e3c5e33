"""Two solvers of the probability-flow ODE and of the trace along it, from clean to noise.

In w (``grid``), with x of unit variance and x0 the estimate, the ODE is

    d(x / sigma) / d(alpha / sigma) = x0,   or   dx / dw = alpha x - x0

Heun's method integrates the first form with x0 linear in w over a step: exact, whatever the step, where the estimate
does not change. Dormand and Prince's takes the second.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample
from becalm.errors import UserError

Field = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(x, w) to the estimate of x0, of x's shape, and the trace of its Jacobian, (B,); w is scalar, or one per sample."""


def heun(field: Field, x: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Second order; two calls a step.

    Args:
        places: (L,) w, ascending.

    Returns:
        x at the end, and the integral of the trace over w, (B,).
    """
    total = x.new_zeros(())
    for now, to in pairwise(places):
        x0, trace = field(x, now)
        h, gain = to - now, torch.sinh(now) - torch.sinh(to)
        # The share of the end's estimate in the integral of x0 over alpha / sigma = -sinh w.
        late = (torch.cosh(to) - torch.cosh(now)) / h - torch.sinh(to)
        start = x * torch.cosh(now)
        x0_end, trace_end = field((start + gain * x0) / torch.cosh(to), to)
        x = (start + (gain - late) * x0 + late * x0_end) / torch.cosh(to)
        total = total + h / 2 * (trace + trace_end)
    return x, total


# Dormand and Prince 1980, table 2: the nodes, the weights of each stage, and what fifth order differs from fourth by.
_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_MOST = 10_000


def dormand_prince(
    field: Field, x: Tensor, low: float, high: float, tolerance: float, owner: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Fifth order with steps of each sample's own, so that none depends on its neighbours; six calls a step.

    A step's error, as the embedded fourth order estimates it, is at most ``tolerance``: in the root mean square over
    the sample's coordinates, and in nats per coordinate.

    Returns:
        x at ``high``, and the integral of the trace over w, (B,).

    Raises:
        UserError: If 10,000 steps are not enough.
    """
    size = sum_per_sample(torch.ones_like(x), owner)

    def slope(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        x0, trace = field(x, w)
        return -per_sample(torch.tanh(w), x, owner) * x - x0, trace

    w, total = torch.full_like(size, low), torch.zeros_like(size)
    step = torch.full_like(size, min(0.05, high - low))
    first = slope(x, w)
    for _ in range(_MOST):
        last = step >= high - w
        step = torch.where(last, high - w, step)  # 0 for those that have arrived.
        slopes, end, sums = [first], x, total
        for node, weights in zip(_NODES, _STAGES, strict=True):
            end, sums = x, total
            for weight, (move, trace) in zip(weights, slopes, strict=True):
                if weight:
                    end = end + per_sample(weight * step, x, owner) * move
                    sums = sums + weight * step * trace
            slopes.append(slope(end, w + node * step))
        off, nats = torch.zeros_like(x), torch.zeros_like(total)
        for weight, (move, trace) in zip(_ERROR, slopes, strict=True):
            off, nats = off + weight * move, nats + weight * trace
        spread = (sum_per_sample((per_sample(step, x, owner) * off) ** 2, owner) / size).sqrt()
        error = torch.maximum(spread, (step * nats).abs() / size) / tolerance
        good = error <= 1
        rows = per_sample(good, x, owner)
        x, total = torch.where(rows, end, x), torch.where(good, sums, total)
        w = torch.where(good, torch.where(last, high, w + step), w)
        first = (torch.where(rows, slopes[-1][0], first[0]), torch.where(good, slopes[-1][1], first[1]))
        if bool((w >= high).all()):
            return x, total
        step = step * (0.9 * error.clamp(min=1e-10) ** -0.2).clamp(0.2, 5.0)
    raise UserError(f"the ODE needs more than {_MOST} steps for a tolerance of {tolerance:g}: take a larger one")
