"""A noise level is a value: how much signal and how much noise are in x.

    x = alpha * x0 + sigma * eps

(Kingma et al. 2021, eq. 1.) Every other quantity of the level is derived from alpha and sigma.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class NoiseLevel:
    """Time, signal and noise of one level, or of one level per sample.

    Attributes:
        t: Time in [0, 1]; 0 is clean, 1 is noise.
        alpha: Factor of the signal, >= 0.
        sigma: Standard deviation of the noise, >= 0.

    Alpha and sigma broadcast against x: scalars while sampling, (B, 1, ..., 1) while training, or one number per
    coordinate of a fixed basis. A level's time stays on the host, so that reading it waits for no device.
    """

    t: Tensor
    alpha: Tensor
    sigma: Tensor

    @property
    def log_snr(self) -> Tensor:
        """Log of the signal-to-noise ratio alpha^2 / sigma^2; +inf at clean, -inf at pure noise."""
        return 2.0 * (self.alpha.log() - self.sigma.log())

    @property
    def ratio(self) -> Tensor:
        """The noise level sigma / alpha of the variance-exploding view; inf at pure noise."""
        return self.sigma / self.alpha

    @property
    def angle(self) -> Tensor:
        """atan2(sigma, alpha) in [0, pi/2]: finite at both ends, what networks are told."""
        return torch.atan2(self.sigma, self.alpha)

    @property
    def total_std(self) -> Tensor:
        """sqrt(alpha^2 + sigma^2), the standard deviation of x for data of unit variance (1 / c_in of Karras et al.
        2022); 1 if variance-preserving.
        """
        return torch.hypot(self.alpha, self.sigma)

    norm = total_std  # Its name in becalm 0.1.

    def mix(self, x0: Tensor, eps: Tensor) -> Tensor:
        """The noisy sample alpha * x0 + sigma * eps."""
        return self.alpha.to(x0) * x0 + self.sigma.to(x0) * eps

    def eps(self, x: Tensor, x0: Tensor) -> Tensor:
        """The noise that x holds if its clean part is x0; not finite at a clean level, which holds no noise."""
        return (x - self.alpha.to(x) * x0) / self.sigma.to(x)

    def score(self, x: Tensor, x0: Tensor) -> Tensor:
        """Gradient of log p(x) if x0 = E[x0 | x] (Tweedie's formula; Robbins 1956)."""
        return (self.alpha.to(x) * x0 - x) / self.sigma.to(x) ** 2

    def to(self, x: Tensor) -> "NoiseLevel":
        """The same level on x's device, in x's dtype, or in float32 where that is narrower: there sigma^2 overflows."""
        if self.alpha.dim():
            return _moved(self, x.device, x.dtype)
        return _kept(self, x.device, x.dtype)

    def on(self, device: torch.device) -> "NoiseLevel":
        """The same level on a device, in its own dtype."""
        if self.alpha.device == device:
            return self
        return NoiseLevel(self.t, self.alpha.to(device), self.sigma.to(device))

    def spread(self, like: Tensor) -> "NoiseLevel":
        """A level per row, (N, ...), with axes added behind the first so that it broadcasts against ``like``."""
        t, alpha, sigma = (
            value.reshape(len(value), *(1 for _ in range(like.dim() - value.dim())), *value.shape[1:])
            for value in (self.t, self.alpha, self.sigma)
        )
        return NoiseLevel(t, alpha, sigma)


def _moved(level: NoiseLevel, device: torch.device, dtype: torch.dtype) -> NoiseLevel:
    wide = torch.promote_types(dtype, torch.float32)
    return NoiseLevel(level.t, level.alpha.to(device, wide), level.sigma.to(device, wide))


# A step of a small network takes less time than a dozen operations on scalars, and a path is walked again and again.
_kept = lru_cache(maxsize=2048)(_moved)
