"""The last step of a reverse chain, p(x0 | x_1): a Gaussian, or one over the values that data can have.

    -log p = -log int_{x0 - d / 2}^{x0 + d / 2} N(u; mean, variance) du,   d the distance of two values

with the lowest and the highest value's interval open (Ho et al. 2020, eq. 13). Where the paper's code cuts
probabilities at 1e-12, the logarithms here keep their digits however far off the mean is.
"""

import math

import torch
from torch import Tensor


def gaussian(x0: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """-log N(x0; mean, variance) of each entry, in nats."""
    return 0.5 * (math.log(2 * math.pi) + log_variance + (x0 - mean) ** 2 / log_variance.exp())


def discretised(x0: Tensor, mean: Tensor, log_variance: Tensor, values: int) -> Tensor:
    """-log P(x0) of each entry, in nats.

    Args:
        x0: One of ``values`` numbers, evenly spaced from -1 to 1.
    """
    half, std = 1 / (values - 1), (0.5 * log_variance).exp()
    low, high = (x0 - half - mean) / std, (x0 + half - mean) / std
    low = torch.where(x0 < -1 + half, -torch.inf, low)
    high = torch.where(x0 > 1 - half, torch.inf, high)
    # Above the mean, by symmetry, as below: there logarithms of tails keep their digits.
    above = low + high > 0
    low, high = torch.where(above, -high, low), torch.where(above, -low, high)
    tail: Tensor = torch.special.log_ndtr(high)
    return -(tail + torch.log(-torch.expm1(torch.special.log_ndtr(low) - tail)))
