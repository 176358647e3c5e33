"""A denoiser returns E[x0 | x]: the mean of the clean samples that could have become x.

What a network predicts is a pair (p, q): its output F stands for p x0 + q eps. With x = alpha x0 + sigma eps

    x0 = (q x - sigma F) / (q alpha - sigma p)

for every kind of prediction (Salimans and Ho 2022, appendix D, lists the cases that this line unites).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from becalm.cond import join, take
from becalm.level import NoiseLevel
from becalm.path import Path, numbers

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
Prediction = Literal["x0", "eps", "v", "flow", "score"]


@runtime_checkable
class Denoiser(Protocol[C_contra]):
    """Anything that maps (x, level, cond) to the expected clean sample, of x's shape."""

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C_contra) -> Tensor: ...


def pair(kind: Prediction, level: NoiseLevel) -> tuple[Tensor | float, Tensor | float]:
    """(p, q) of a prediction: the network outputs p x0 + q eps.

    v is (-sigma, alpha) / sqrt(alpha^2 + sigma^2): Salimans and Ho 2022 for variance-preserving schedules, where the
    root is 1, and the preconditioning of Karras et al. 2022 (up to sign) for variance-exploding ones. The score of x
    given x0 is -eps / sigma; the network outputs it times sigma, which keeps its size near 1 (Song and Ermon 2019,
    eq. 5).
    """
    if kind == "x0":
        return 1.0, 0.0
    if kind == "eps":
        return 0.0, 1.0
    if kind == "v":
        return -level.sigma / level.norm, level.alpha / level.norm
    if kind == "flow":
        return -1.0, 1.0
    if kind == "score":
        return 0.0, -1.0
    raise ValueError(f"prediction must be one of x0, eps, v, flow, score, got {kind!r}")


def target(kind: Prediction, level: NoiseLevel, x0: Tensor, eps: Tensor) -> Tensor:
    """What the network learns to output: p x0 + q eps, of x0's shape."""
    p, q = pair(kind, level)
    return p * x0 + q * eps


def clean(kind: Prediction, level: NoiseLevel, x: Tensor, output: Tensor) -> Tensor:
    """The network's output as x0.

    At alpha = 0, x holds no signal and the output of an eps or score network says nothing about x0: the result is not
    finite there. ``becalm.objective.draw`` and ``becalm.model`` refuse that combination before it happens.
    """
    return _estimate(_row(kind, level, x), x, output)


Row = tuple[Tensor | None, Tensor | None, Tensor | None]
"""Factor of x at the network's entrance, and keep and change of x0 = keep x + change F; None for 1, 0 and 1."""


def _estimate(row: Row, x: Tensor, output: Tensor) -> Tensor:
    _, keep, change = row
    if keep is None or change is None:
        return output
    # Products and sum apart: a fused multiply-add may round the end of a tensor otherwise than its middle.
    return (x * keep).addcmul_(output, change)


def _row(kind: Prediction, level: NoiseLevel, x: Tensor) -> Row:
    place = level.place
    if place is not None:
        return place.path.table(kind, _TABLES[kind])[place.index]
    return _padded([value.to(x) for value in _factors(kind, level)])


def _padded(factors: Sequence[Tensor | None]) -> Row:
    shrink, keep, change = (*factors, None, None)[:3]
    return shrink, keep, change


def _factors(kind: Prediction, level: NoiseLevel) -> tuple[Tensor, ...]:
    """The factors of a row; of x0 = F only the first."""
    shrink = 1 / level.norm
    if kind == "x0":
        return (shrink,)
    p, q = pair(kind, level)
    bottom = q * level.alpha - level.sigma * p
    return shrink, q / bottom, -level.sigma / bottom


def _table(kind: Prediction, path: Path) -> list[Row]:
    factors = _factors(kind, path.levels)
    # Under a variance-preserving schedule the first factor is 1 but for rounding, and the product is saved.
    unit = factors[0].dim() == 1 and bool(((factors[0] - 1).abs() < 1e-12).all())
    rows = numbers(path.like, *factors)
    return [_padded([None if unit else row[0], *row[1:]]) for row in rows]


# One function object per kind, since a path keeps what it has derived by it.
_TABLES: dict[Prediction, Callable[[Path], list[Row]]] = {
    kind: partial(_table, kind) for kind in ("x0", "eps", "v", "flow", "score")
}


@dataclass(frozen=True, eq=False)
class NetworkDenoiser(Generic[C]):
    """A network as a denoiser.

    The network is called as ``network(x / sqrt(alpha^2 + sigma^2), level, cond)``: its input has unit variance under
    every schedule (and is x itself under variance-preserving ones).

    Attributes:
        network: Module mapping (x, level, cond) to its output, of x's shape, or with twice the channels if ``learned``.
        prediction: What the output stands for.
        chunk: If given, the network sees samples in chunks of exactly this many, the last one padded. Matrix products
            choose their order of summation by shape, so this makes sample i the same to the last bit whatever the
            batch. Take 1, 16 or 64: with others the place in the chunk shows in the last bit on some processors.
        learned: The second half of the output channels is the learned variance fraction (Nichol and Dhariwal 2021,
            eq. 15).
        autocast: dtype of the network's matrix products, such as torch.bfloat16; None for full precision.
    """

    network: nn.Module
    prediction: Prediction
    chunk: int | None = None
    learned: bool = False
    autocast: torch.dtype | None = None

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        row = _row(self.prediction, level, x)
        output = self._output(row, x, level, cond)
        return _estimate(row, x, output.chunk(2, dim=1)[0] if self.learned else output)

    def fraction(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        """Where the variance lies between the small (0) and the large (1) one, in log space; of x's shape.

        Raises:
            ValueError: If the network has no learned variance.
        """
        if not self.learned:
            raise ValueError("this network has no learned variance: use variance small or large")
        return (self.output(x, level, cond).chunk(2, dim=1)[1] + 1) / 2

    def output(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        """The bare network's output, in x's dtype."""
        return self._output(_row(self.prediction, level, x), x, level, cond)

    def _output(self, row: Row, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        scaled = x if row[0] is None else x * row[0]
        if self.chunk is None or self.chunk == len(x):
            return self._call(scaled, level, cond)
        count = len(x)
        index = torch.arange(count + -count % self.chunk, device=x.device).clamp(max=count - 1)
        outputs = [
            self._call(scaled.index_select(0, part), _rows(level, part, x), take(cond, part))
            for part in index.split(self.chunk)
        ]
        return torch.cat(outputs)[:count]

    def _call(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        if self.autocast is None:
            output: Tensor = self.network(x, level, cond)
            return output
        with torch.autocast(x.device.type, self.autocast):
            output = self.network(x, level, cond)
        return output.to(x.dtype)


def _rows(level: NoiseLevel, index: Tensor, x: Tensor) -> NoiseLevel:
    """The levels of some rows of x, where each row has its own; a level per coordinate has fewer axes than x."""
    if level.alpha.dim() < x.dim() or len(level.alpha) != len(x):
        return level
    t, alpha, sigma = (value.index_select(0, index) for value in (level.t, level.alpha, level.sigma))
    return NoiseLevel(t, alpha, sigma)


def guided_like(denoise: Denoiser[C], function: Any) -> Denoiser[C]:
    """Gives a guided denoiser the learned variance of the one it wraps, if that has one."""
    fraction = getattr(denoise, "fraction", None)
    if fraction is not None:
        function.fraction = fraction
    result: Denoiser[C] = function
    return result


def doubled(denoise: Denoiser[C], x: Tensor, level: NoiseLevel, first: C, second: C) -> tuple[Tensor, Tensor]:
    """The denoiser under two conditions, in one call of twice the batch."""
    both = denoise(torch.cat([x, x]), level, join([first, second]))
    one, other = both.chunk(2)
    return one, other


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The exact denoiser of data drawn from a mixture of isotropic Gaussians: the oracle of the tests and the docs.

    Attributes:
        weights: (K,) probabilities.
        means: (K, *shape).
        stds: (K,) standard deviations, >= 0.

    As a denoiser its condition is None for the whole mixture, or (B,) component numbers, -1 for the whole mixture.
    """

    weights: Tensor
    means: Tensor
    stds: Tensor

    def __call__(self, x: Tensor, level: NoiseLevel, cond: Tensor | None = None) -> Tensor:
        share = self.posterior(x, level, cond)
        variance = (level.alpha * self.stds) ** 2 + level.sigma**2
        # E[x0 | x, k] = mu + alpha s^2 / (alpha^2 s^2 + sigma^2) (x - alpha mu); at a clean level x itself.
        gain = torch.where(variance > 0, level.alpha * self.stds**2 / variance, 1.0 / level.alpha)
        gain = gain.reshape(-1, *[1] * (x.dim() - 1))
        centre = self.means + gain * (x[:, None] - level.alpha * self.means)
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
        variance = (level.alpha * self.stds) ** 2 + level.sigma**2
        distance = (x[:, None] - level.alpha * self.means).flatten(2).square().sum(2)
        dimensions = self.means[0].numel()
        return self.weights.log() - 0.5 * distance / variance - 0.5 * dimensions * variance.log()

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Exact samples of the data, (count, *shape)."""
        number = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        noise = torch.randn(count, *self.means.shape[1:], generator=generator, dtype=self.means.dtype)
        return self.means[number] + self.stds[number].reshape(-1, *[1] * (self.means.dim() - 1)) * noise
