"""Guidance by a measurement, x0 given x being taken as Gaussian with the covariance that the denoiser's Jacobian knows.

    E[x0 | x, y] = x0 + V A^T (A V A^T + s^2)^-1 (y - A x0),   V = sigma^2 / alpha  dx0/dx

(Boys et al. 2024, eq. 8; Rozet et al. 2024, algorithm 2.) Exact where data are Gaussian and A is linear, whatever the
error s. With several modes it is the best Gaussian guess at each level, and shares samples out among them wrongly: see
``becalm.sampler.Particles``.
"""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.descend import variance
from becalm.guidance.measured.gain import conjugate_gradients, direct
from becalm.guidance.measured.measurement import Measurement
from becalm.guidance.twist import Twist
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class MomentMatching:
    """Moves the estimate to its mean given the measurement too.

    Attributes:
        measurement: What was read.
        iterations: Of conjugate gradients, each a pass back through the network. As many as there are readings, or
            None, are exact; None solves directly, with one pass per reading.

    Raises:
        UserError: If ``iterations`` is below 1.
    """

    measurement: Measurement
    iterations: int | None = 1

    def __post_init__(self) -> None:
        if self.iterations is not None and self.iterations < 1:
            raise UserError(f"iterations must be at least 1, got {self.iterations}")

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self.twist(denoise, x, level, cond).guided)

    def twist(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Twist:
        """The estimate, the guided one, and log p(y | x) as the Gaussian has it, from one call of the denoiser.

        By conjugate gradients the log-determinant is left out of the last.
        """
        outer = torch.is_grad_enabled() and x.requires_grad  # A guidance around this one asks for the gradient.
        owner, wide = owner_of(cond), torch.promote_types(x.dtype, torch.float32)
        with torch.enable_grad():
            leaf = x if outer else x.detach().requires_grad_()
            x0 = denoise(leaf, level, cond)
            reading = self.measurement.operator(x0)
            residual = self.measurement.residual(reading).to(wide)
            rows, factor = residual.reshape(len(residual), -1), variance(level).to(x.device, wide)

            def products(u: Tensor) -> tuple[Tensor, Tensor]:
                back = u.reshape(reading.shape).to(reading)
                (way,) = torch.autograd.grad(reading, leaf, back, retain_graph=True, create_graph=outer)
                way = way.to(wide) * factor
                image = self.measurement.forward(x0, way.to(x0)).reshape(u.shape).to(wide)
                return way, image + self.measurement.std**2 * u

            log_det: Tensor | float = 0.0
            if self.iterations is None:
                moved, form, log_det = direct(products, rows, self.measurement.std, owner=owner)
            else:
                moved, form = conjugate_gradients(products, rows, self.iterations, owner=owner)
            guided = (x0.to(wide) + moved).to(x0)
        found = Twist(x0, guided, -0.5 * (form + log_det))
        return found if outer else Twist(*(value.detach() for value in found))
