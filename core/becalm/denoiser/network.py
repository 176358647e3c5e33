"""A network as a denoiser: its input scaled to unit variance, its output turned into x0, in chunks of one size."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Generic, NoReturn, TypeVar

import torch
from torch import Tensor, nn

from becalm.cond import owner_of, take
from becalm.denoiser.chunks import Tails, compiled
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.network.embeds import embed
from becalm.prediction import Factors, Prediction, factors
from becalm.process.gaussian import GAUSSIAN, posterior
from becalm.process.protocol import Process

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class NetworkDenoiser(Generic[C]):
    """A network as a denoiser.

    The network is called as ``network(x / sqrt(alpha^2 + sigma^2), level, cond)``: its input has unit variance under
    every schedule (and is x itself under variance-preserving ones).

    Attributes:
        network: Module mapping (x, level, cond) to its output, of x's shape, or with twice the channels if ``learned``.
        prediction: What the output stands for.
        chunk: If given, the network sees samples in chunks of exactly this many, the last one padded, or short where
            that keeps the bits. Matrix products choose their order of summation by shape, so this makes sample i the
            same to the last bit whatever the batch. Take 1, 16 or 64: with others the place in the chunk shows in the
            last bit on some processors.
        learned: The second half of the output channels is the learned variance fraction (Nichol and Dhariwal 2021,
            eq. 15).
        autocast: dtype of the network's matrix products, such as torch.bfloat16; None for that of its weights.
        process: In whose coordinates levels are, if they are per coordinate.
        tails: What is known of short chunks of this network; share it where the network is called again.
    """

    network: nn.Module
    prediction: Prediction
    chunk: int | None = None
    learned: bool = False
    autocast: torch.dtype | None = None
    process: Process = GAUSSIAN
    tails: Tails = field(default_factory=Tails, repr=False)

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        made = factors(self.prediction, level, x)
        output = self._output(made, x, cond)
        return self._estimate(made, x, output.chunk(2, dim=1)[0] if self.learned else output)

    def embed(self, cond: C) -> C:
        """The condition as this denoiser is quickest called with, see ``becalm.network.embeds``."""
        precision = self.autocast or self._narrow
        device = None if precision is None else getattr(self._weight, "device", None)
        if device is None:
            return embed(self.network, cond, self.chunk)
        with torch.autocast(device.type, precision):
            return embed(self.network, cond, self.chunk)

    def moments(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        """The estimate of x0 and the log variance of the step to ``to``, from one call of the network.

        Raises:
            UserError: If the network has no learned variance.
        """
        x0, fraction = self.halves(x, level, cond)
        small, large = _log_variances(level, to, x.device, x.dtype)
        return x0, fraction * large + (1 - fraction) * small

    def halves(self, x: Tensor, level: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        """The estimate of x0, and where the variance lies between the small (0) and the large (1) one, in log space.

        Raises:
            UserError: If the network has no learned variance.
        """
        if not self.learned:
            raise UserError("this network has no learned variance: use variance small or large")
        made = factors(self.prediction, level, x)
        output = self._output(made, x, cond)
        first, second = output.chunk(2, dim=1)
        return self._estimate(made, x, first), (second + 1) / 2

    def output(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        """The bare network's output, in x's dtype."""
        return self._output(factors(self.prediction, level, x), x, cond)

    def _estimate(self, made: Factors, x: Tensor, output: Tensor) -> Tensor:
        if self.process is GAUSSIAN:
            return made.estimate(x, output)
        return self.process.leave(made.estimate(self.process.enter(x), self.process.enter(output)))

    def _output(self, made: Factors, x: Tensor, cond: C) -> Tensor:
        if made.shrink is None:
            scaled = x
        elif self.process is GAUSSIAN:
            scaled = x * made.shrink
        else:
            scaled = self.process.leave(self.process.enter(x) * made.shrink)
        if self.chunk is None:
            return self._call(scaled, made.level, cond)
        owner = owner_of(cond)
        return self._dense(made.level, scaled, cond) if owner is None else self._ragged(made.level, scaled, cond, owner)

    def _dense(self, level: NoiseLevel, x: Tensor, cond: C) -> Tensor:
        """The output for samples of one row each, chunk by chunk."""
        chunk = self.chunk or len(x)
        if chunk == len(x):
            return self._call(x, level, cond)

        def call(rows: Tensor) -> Tensor:
            return self._call(x.index_select(0, rows), _rows(level, rows, x), take(cond, rows))

        *whole, last = torch.arange(len(x), device=x.device).split(chunk)
        if len(last) == chunk or compiled(self.network):
            padded = torch.cat([last, last[-1:].expand(chunk - len(last))])
            return torch.cat([call(rows) for rows in (*whole, padded)])[: len(x)]
        kernels = (chunk, x.shape[1:], x.dtype, self.autocast, level.alpha.dim())
        return torch.cat([*map(call, whole), self.tails.output(call, last, chunk, kernels)])

    def _ragged(self, level: NoiseLevel, x: Tensor, cond: C, owner: Tensor) -> Tensor:
        """The output for samples of several rows, chunk by chunk, the last padded."""
        chunk, count = self.chunk or 1, int(owner[-1]) + 1
        index = torch.arange(count + -count % chunk, device=x.device).clamp(max=count - 1)
        size = torch.bincount(owner, minlength=count)
        every = torch.arange(len(x), device=x.device).split(size.tolist())
        outputs = []
        for part in index.split(chunk):
            rows = torch.cat([every[number] for number in part.tolist()])
            outputs.append(self._call(x.index_select(0, rows), _rows(level, rows, x), take(cond, part)))
        return torch.cat(outputs)[: len(x)]

    def _call(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        precision = self.autocast or self._narrow
        if precision is None:
            output: Tensor = self.network(x, level, cond)
        else:
            with torch.autocast(x.device.type, precision):
                output = self.network(x, level, cond)
        wanted = x.shape if not self.learned else _doubled(x)
        if output.shape != wanted:
            self._refuse(output, x)
        return output if output.dtype is x.dtype else output.to(x.dtype)

    def _refuse(self, output: Tensor, x: Tensor) -> NoReturn:
        """Says what is wrong with an output, which torch would broadcast against the data in silence."""
        if self.learned and output.shape == x.shape:
            raise UserError("a learned variance needs a network with a second output: set outputs to 2")
        wanted = tuple(_doubled(x) if self.learned else x.shape)
        raise UserError(f"the network must return a tensor of shape {wanted}, got {tuple(output.shape)}")

    @cached_property
    def _narrow(self) -> torch.dtype | None:
        """The dtype of weights in half precision."""
        weight = self._weight
        return weight.dtype if weight is not None and weight.dtype in (torch.float16, torch.bfloat16) else None

    @property
    def _weight(self) -> Tensor | None:
        """A weight of the network, if it has any: a function may stand for it, as in tests."""
        weight: Tensor | None = next(getattr(self.network, "parameters", lambda: iter(()))(), None)
        return weight


def _doubled(x: Tensor) -> torch.Size:
    """The shape of an output with a second half of channels."""
    return torch.Size((x.shape[0], 2 * x.shape[1], *x.shape[2:]))


def _rows(level: NoiseLevel, index: Tensor, x: Tensor) -> NoiseLevel:
    """The levels of some rows of x, where each row has its own; a level per coordinate has fewer axes than x."""
    if level.alpha.dim() < x.dim() or not level.alpha.dim() or len(level.alpha) != len(x):
        return level
    t, alpha, sigma = (value.index_select(0, index) for value in (level.t, level.alpha, level.sigma))
    return NoiseLevel(t, alpha, sigma)


@lru_cache(maxsize=2048)
def _log_variances(
    level: NoiseLevel, to: NoiseLevel, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    _, _, small, large = posterior(level.alpha, level.sigma, to.alpha, to.sigma)
    wide = torch.promote_types(dtype, torch.float32)
    return small.log().to(device, wide), large.log().to(device, wide)
