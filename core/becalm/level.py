"""A noise level is a value: how much signal and how much noise are in x.

    x = alpha * x0 + sigma * eps

(Kingma et al. 2021, eq. 1.) Every other quantity of the level is derived from alpha and sigma.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from becalm.path import Place


@dataclass(frozen=True, slots=True, eq=False)
class NoiseLevel:
    """Time, signal and noise of one level, or of one level per sample.

    Attributes:
        t: Time in [0, 1]; 0 is clean, 1 is noise.
        alpha: Factor of the signal, >= 0.
        sigma: Standard deviation of the noise, >= 0.
        place: Where on a sampler's path the level is, if it is on one (see ``becalm.path``).

    All three broadcast against x: scalars while sampling, (B, 1, ..., 1) while training, or one number per coordinate
    of a fixed basis.
    """

    t: Tensor
    alpha: Tensor
    sigma: Tensor
    place: "Place | None" = field(default=None, repr=False)

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
    def norm(self) -> Tensor:
        """sqrt(alpha^2 + sigma^2): the standard deviation of x for data of unit variance; 1 if variance-preserving."""
        return torch.hypot(self.alpha, self.sigma)

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
        """The same level on x's device, in x's dtype; the time stays where it is, so that reading it never waits."""
        return NoiseLevel(self.t, self.alpha.to(x), self.sigma.to(x), self.place)

    def spread(self, like: Tensor) -> "NoiseLevel":
        """A level per row, (N,), with trailing axes added so that it broadcasts against ``like`` of shape (N, ...)."""
        shape = (-1,) + (1,) * (like.dim() - 1)
        return NoiseLevel(self.t.reshape(shape), self.alpha.reshape(shape), self.sigma.reshape(shape))
