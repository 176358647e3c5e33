"""A measurement of the clean sample: y = A(x0) + std eps, what guidance by a likelihood starts from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from becalm.batch import tile
from becalm.errors import UserError
from becalm.level import NoiseLevel


@dataclass(frozen=True, eq=False)
class Measurement:
    """y = A(x0) + std eps, eps standard normal.

    Attributes:
        operator: A, (N, ...) rows of x0 to readings (B, ...), smooth; linear, or taken as linear at the estimate. A
            batch never couples its members.
        y: What was read, (...) for all samples or (B, ...), in diffusion space.
        std: Standard deviation of a reading's error, >= 0.

    Raises:
        UserError: If ``std`` is negative.
    """

    operator: Callable[[Tensor], Tensor]
    y: Tensor
    std: float

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise UserError(f"a measurement's std must be at least 0, got {self.std}")

    def residual(self, reading: Tensor) -> Tensor:
        """y - A(x0), (B, ...), of A(x0).

        Raises:
            UserError: If the shapes do not fit.
        """
        y = self.y.to(reading)
        if y.dim() == reading.dim():
            if len(reading) % len(y):
                raise UserError(f"y has readings of {len(y)} samples, got {len(reading)}: draw as many at a time")
            y = tile(y, reading, None)
        if y.shape[-reading.dim() + 1 :] != reading.shape[1:]:
            raise UserError(
                f"y must have the shape of a reading, {tuple(reading.shape[1:])}, got {tuple(self.y.shape)}"
            )
        return y - reading

    def forward(self, x0: Tensor, way: Tensor) -> Tensor:
        """The operator's derivative at x0 along a way, both of x's shape: (B, ...)."""
        image: Tensor = torch.func.jvp(self.operator, (x0,), (way,))[1]
        return image

    def energy(self, x: Tensor, level: NoiseLevel, cond: object) -> Tensor:
        """-log p(y | x0) in nats, up to a constant, (B,): an ``Energy`` of the clean sample.

        Raises:
            UserError: If the measurement has no error, so that there is no density.
        """
        if not self.std:
            raise UserError("a measurement without error has no energy: give it a std above 0")
        residual = self.residual(self.operator(x))
        return (residual / self.std).reshape(len(residual), -1).square().sum(1) / 2
