"""Guidance by a measurement, x0 given x being taken as N(estimate, r^2) with one spread for all directions.

    x0 + sigma^2 / alpha  (dx0/dx)^T A^T (r^2 A A^T + s^2)^-1 (y - A x0),   r^2 = sigma^2 / (alpha^2 + sigma^2)

(Song et al. 2023a, eq. 7-8: data of unit variance.) One pass back through the network, whatever the
measurement. ``MomentMatching`` has the spread
that the denoiser knows instead.
"""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.denoiser.protocol import Denoiser, wrap
from becalm.guidance.descend import variance
from becalm.guidance.measured.gain import conjugate_gradients
from becalm.guidance.measured.measurement import Measurement
from becalm.level import NoiseLevel

C = TypeVar("C")
_ITERATIONS = 64


@dataclass(frozen=True, eq=False)
class PseudoInverse:
    """Moves the estimate towards what the measurement allows.

    Attributes:
        measurement: What was read.
    """

    measurement: Measurement

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self._guided(denoise, x, level, cond))

    def _guided(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        outer = torch.is_grad_enabled() and x.requires_grad  # A guidance around this one asks for the gradient.
        wide = torch.promote_types(x.dtype, torch.float32)
        spread = (level.sigma**2 / (level.alpha**2 + level.sigma**2)).to(x.device, wide)
        with torch.enable_grad():
            leaf = x if outer else x.detach().requires_grad_()
            x0 = denoise(leaf, level, cond)
            reading = self.measurement.operator(x0)
            residual = self.measurement.residual(reading)

            def products(u: Tensor) -> tuple[Tensor, Tensor]:
                back = u.reshape(reading.shape).to(reading)
                (way,) = torch.autograd.grad(reading, x0, back, retain_graph=True, create_graph=outer)
                image = self.measurement.forward(x0, way).reshape(u.shape).to(wide)
                return u, spread * image + self.measurement.std**2 * u

            rows = residual.reshape(len(residual), -1).to(wide)
            solution, _ = conjugate_gradients(products, rows, min(rows.shape[1], _ITERATIONS))
            target = solution.reshape(reading.shape).to(reading)
            (way,) = torch.autograd.grad(reading, leaf, target, create_graph=outer)
            guided = (x0.to(wide) + variance(level).to(x.device, wide) * way.to(wide)).to(x0)
        return guided if outer else guided.detach()
