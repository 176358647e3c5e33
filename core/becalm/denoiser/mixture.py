"""The exact denoiser of data from a mixture of isotropic Gaussians."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from becalm.level import NoiseLevel


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The exact denoiser of data drawn from a mixture of isotropic Gaussians.

    Attributes:
        weights: (K,) probabilities.
        means: (K, *shape).
        stds: (K,) standard deviations, >= 0.

    A level is a scalar, or one per sample, (B, 1, ..., 1).

    As a denoiser its condition is None for the whole mixture, or (B,) component numbers, -1 for the whole mixture.
    """

    weights: Tensor
    means: Tensor
    stds: Tensor

    def __call__(self, x: Tensor, level: NoiseLevel, cond: Tensor | None = None) -> Tensor:
        share = self.posterior(x, level, cond)
        alpha, sigma, stds = self._beside(x, level)
        variance = (alpha * stds) ** 2 + sigma**2
        # E[x0 | x, k] = mu + alpha s^2 / (alpha^2 s^2 + sigma^2) (x - alpha mu); at a clean level x itself.
        gain = torch.where(variance > 0, alpha * stds**2 / variance, 1.0 / alpha)
        centre = self.means + gain * (x[:, None] - alpha * self.means)
        return (share.reshape(*share.shape, *[1] * (x.dim() - 1)) * centre).sum(1).to(x)

    def posterior(self, x: Tensor, level: NoiseLevel, cond: Tensor | None = None) -> Tensor:
        """p(component | x), (B, K)."""
        logits = self._joint(x, level)
        if cond is not None:
            number = torch.arange(len(self.weights), device=x.device)
            excluded = (cond[:, None] >= 0) & (cond[:, None] != number)
            logits = logits.masked_fill(excluded, -torch.inf)
        return logits.softmax(1)

    def log_density(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """The log density log p(x) at a level, (B,), in nats."""
        dimensions = self.means[0].numel()
        return self._joint(x, level).logsumexp(1) - 0.5 * dimensions * math.log(2 * math.pi)

    def _joint(self, x: Tensor, level: NoiseLevel) -> Tensor:
        alpha, sigma, stds = self._beside(x, level)
        variance = ((alpha * stds) ** 2 + sigma**2).flatten(1 if alpha.dim() else 0)
        distance = (x[:, None] - alpha * self.means).flatten(2).square().sum(2)
        dimensions = self.means[0].numel()
        return self.weights.log() - 0.5 * distance / variance - 0.5 * dimensions * variance.log()

    def _beside(self, x: Tensor, level: NoiseLevel) -> tuple[Tensor, Tensor, Tensor]:
        """Alpha, sigma and the standard deviations, to broadcast against (B, K, *shape)."""
        alpha, sigma = (value.unsqueeze(1) if value.dim() else value for value in (level.alpha, level.sigma))
        return alpha, sigma, self.stds.reshape(-1, *(1 for _ in self.means.shape[1:]))

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Exact samples of the data, (count, *shape)."""
        number = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        noise = torch.randn(count, *self.means.shape[1:], generator=generator, dtype=self.means.dtype)
        return self.means[number] + self.stds[number].reshape(-1, *[1] * (self.means.dim() - 1)) * noise
