"""Stochastic gradient Langevin dynamics: samples of a posterior from gradients of minibatches (Welling and Teh 2011).

    theta <- theta + e / 2 (grad log p(theta) + N / n sum_i grad log p(x_i | theta)) + sqrt(e) z    # eq. 4

As e falls the injected noise, of variance e, drowns the minibatch's, of order e^2, so no step need be rejected.
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from becalm.errors import UserError


def gradient_langevin(
    slope: Callable[[Tensor, int], Tensor],
    theta: Tensor,
    steps: Iterable[float],
    noise: Callable[[Tensor], Tensor] = torch.randn_like,
) -> Iterator[Tensor]:
    """Yields theta after each step, lazily.

    Args:
        slope: (theta, number of the step) to an unbiased estimate of the gradient of log p(theta | data).
        theta: Start, of any shape.
        steps: Sizes e: ``polynomial`` for exact samples in the limit; of one size the spread is a little too wide.
        noise: Standard normal numbers like a tensor.

    Raises:
        UserError: If a size is not above 0.
    """
    for number, size in enumerate(steps):
        if not size > 0:
            raise UserError(f"a step of Langevin dynamics must be above 0, got {size}")
        theta = theta + size / 2 * slope(theta, number) + size**0.5 * noise(theta)
        yield theta


def polynomial(count: int, first: float, last: float, power: float = 0.55) -> Iterator[float]:
    """``count`` sizes a (b + t)^-power from ``first`` down to ``last`` (section 5.1), whose sum has no bound.

    Raises:
        UserError: If they do not fall, or ``power`` is not in (.5, 1].
    """
    if not (0 < last < first and count > 1 and 0.5 < power <= 1):
        told = f"{count} from {first} to {last}, power {power}"
        raise UserError(f"sizes must fall over two steps or more, with a power in (.5, 1], got {told}")
    ratio = (first / last) ** (1 / power)
    offset = (count - 1) / (ratio - 1)
    return (first * (1 + number / offset) ** -power for number in range(count))
