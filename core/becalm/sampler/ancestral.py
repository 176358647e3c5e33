"""DDPM and DDIM: one noisy step from each level to the next in the list.

For levels t > s, with a = alpha_t / alpha_s and v = sigma_t^2 - a^2 sigma_s^2 the variance that noising s to t adds,

    q(x_s | x_t, x0) = N( a sigma_s^2 / sigma_t^2 x_t + alpha_s v / sigma_t^2 x0,  v sigma_s^2 / sigma_t^2 )

(Ho et al. 2020, eq. 6-7, for any two levels; so a strided chain has the posterior variance of its own sub-sequence, as
Nichol and Dhariwal 2021, section 4, ask.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel
from becalm.sampler.step import (
    Noise,
    Step,
    at_device,
    columns,
    noisy_ends,
    numbers,
    planned,
    quotient,
    without_gradients,
)

C = TypeVar("C")


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2).

    Attributes:
        variance: ``small``: that of the posterior, right for data of zero variance. ``large``: v, right for data of
            unit variance. ``learned``: between the two in log space, by the network (Nichol and Dhariwal 2021, eq. 15);
            costs a second call of the network.

    A step to a clean level adds no noise.
    """

    variance: Literal["small", "large", "learned"] = "small"

    def __post_init__(self) -> None:
        if self.variance not in ("small", "large", "learned"):
            raise ValueError(f"variance must be small, large or learned, got {self.variance!r}")

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        fraction = getattr(denoise, "fraction", None)
        if self.variance == "learned" and fraction is None:
            raise ValueError("this denoiser has no learned variance: use variance small or large")
        path = at_device(levels, x)
        keep, change, small, large = posterior(levels)
        spread = {"small": small, "large": large, "learned": small}[self.variance]
        noisy = noisy_ends(columns(levels)[1])
        rows = numbers(x, keep, change, spread.sqrt(), small.log(), large.log())
        for index, (keep_x, keep_x0, std, low, high) in enumerate(rows):
            level, after = path[index], path[index + 1]
            x0 = denoise(x, level, cond)
            moved = x * keep_x + x0 * keep_x0
            if noisy[index]:
                if self.variance == "learned":
                    share = fraction(x, level, cond)  # type: ignore[misc]
                    std = torch.exp(0.5 * (share * high + (1 - share) * low))
                moved = moved + noise(x) * std
            x = moved
            yield Step(index, after, x, x0)


@dataclass(frozen=True)
class DDIM:
    """Non-Markovian sampling (Song et al. 2021, eq. 12); eta = 0 is deterministic, eta = 1 is DDPM's small variance.

    Attributes:
        eta: Factor of the standard deviation, as in the paper (some libraries multiply the variance).
    """

    eta: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.eta <= 1.0:
            raise ValueError(f"eta must be between 0 and 1, got {self.eta}")

    @without_gradients
    def __call__(
        self, denoise: Denoiser[C], x: Tensor, levels: list[NoiseLevel], cond: C, noise: Noise = torch.randn_like
    ) -> Iterator[Step]:
        path = at_device(levels, x)
        rows = planned(self, path, lambda: self._rows(path, x))
        for index, (keep_x, keep_x0, spread) in enumerate(rows):
            x0 = denoise(x, path[index], cond)
            x = (x * keep_x).addcmul_(x0, keep_x0)
            if spread is not None:
                x = x + noise(x) * spread
            yield Step(index, path[index + 1], x, x0)

    def _rows(self, path: list[NoiseLevel], x: Tensor) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        """Per step: factors of x and of x0, and the standard deviation of the noise, None where there is none."""
        alpha, sigma = columns(path)
        _, _, small, _ = posterior(path)
        std = self.eta * small.sqrt()
        # x_s = alpha_s x0 + sqrt(sigma_s^2 - std^2) eps + std z, with eps = (x - alpha_t x0) / sigma_t.
        keep = quotient((sigma[1:] ** 2 - std**2).clamp(min=0).sqrt(), sigma[:-1])
        change = alpha[1:] - keep * alpha[:-1]
        noisy = noisy_ends(sigma)
        rows = numbers(x, keep, change, std)
        return [
            (a, b, spread if self.eta and noise else None) for (a, b, spread), noise in zip(rows, noisy, strict=True)
        ]


def posterior(levels: list[NoiseLevel]) -> tuple[Tensor, ...]:
    """Of q(x_s | x_t, x0) between neighbours: factors of x and x0, small and large variance; each (L - 1, ...).

    Both variances are 0 at a clean level.
    """
    alpha, sigma = columns(levels)
    return transition(alpha[:-1], sigma[:-1], alpha[1:], sigma[1:])


def transition(alpha_t: Tensor, sigma_t: Tensor, alpha_s: Tensor, sigma_s: Tensor) -> tuple[Tensor, ...]:
    """Of q(x_s | x_t, x0): factors of x_t and x0, small and large variance; t is the noisier level."""
    ratio = quotient(alpha_t, alpha_s)
    share = quotient(sigma_s**2, sigma_t**2)
    added = (sigma_t**2 - ratio**2 * sigma_s**2).clamp(min=0)
    keep = ratio * share
    # alpha_s v / sigma_t^2 = alpha_s - keep alpha_t: the form that is defined for a coordinate that is clean already.
    change = alpha_s - keep * alpha_t
    return keep, change, added * share, torch.where(sigma_s > 0, added, torch.zeros_like(added))
