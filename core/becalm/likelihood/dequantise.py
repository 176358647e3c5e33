"""Whole numbers as densities: noise within each number's interval makes a density a bound on a probability.

    log P(k) >= E_u [log p(k + u) - log q(u)],   u in [-1/2, 1/2]

q is uniform (Theis et al. 2016), or a normal cut to the interval (Zheng et al. 2023). The density of an ODE that ends
at a little noise is smoothed by it, and a normal of the same width costs least: nothing where a pixel is always the
same, to which the uniform one adds .25 bits.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from becalm.errors import UserError


def dequantise(data: Tensor, noise: Callable[[Tensor], Tensor], std: float | None = None) -> tuple[Tensor, Tensor]:
    """Numbers with noise within their intervals of width 1, float64, and log q of the noise of each row, (N,).

    Args:
        data: (N, ...) whole numbers.
        noise: Standard normal numbers like a tensor; one draw.
        std: Of a normal cut to [-1/2, 1/2]; None for uniform noise.

    Raises:
        UserError: If ``std`` is not above 0.
    """
    data = data.double()
    unit = torch.special.ndtr(noise(data).double())
    if std is None:
        return data + unit - 0.5, data.new_zeros(len(data))
    if not std > 0:
        raise UserError(f"std must be above 0, got {std}")
    inside = math.erf(0.5 / std / math.sqrt(2.0))
    # The quantile of the cut normal; clamped, since the last float below 1 would be infinitely far.
    z = torch.special.ndtri(((1 - inside) / 2 + unit * inside).clamp(1e-16, 1 - 1e-16))
    log_q = -0.5 * z**2 - math.log(std * inside * math.sqrt(2 * math.pi))
    return data + (z * std).clamp(-0.5, 0.5), log_q.reshape(len(data), -1).sum(1)
