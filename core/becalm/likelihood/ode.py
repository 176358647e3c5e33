"""The exact log-likelihood of the probability-flow ODE (Song et al. 2021b, section 4.3 and appendix D.2).

The ODE carries data to noise one to one, so

    log p(x0) = log N(z; 0, I) + log |det dz / dx0|,   z = x / sqrt(alpha^2 + sigma^2) at the path's first level

and the logarithm of the determinant is an integral of the trace of the denoiser's Jacobian. In w of ``grid``, with n
coordinates and unit variance,

    log |det| = n log(sigma_1 / sigma_0) + n log alpha_0 - int tr(d x0_hat / dx) dw .
"""

import math
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser
from becalm.device import outside_inference
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.likelihood.grid import place
from becalm.likelihood.solve import dormand_prince, heun
from becalm.likelihood.trace import Noise, Traced, signs
from becalm.noise import Purpose, stream
from becalm.path import Path

C = TypeVar("C")


def nats(
    denoise: Denoiser[C],
    x0: Tensor,
    path: Path,
    cond: C,
    probes: int | None = None,
    *,
    tolerance: float | None = None,
    noise: Noise | None = None,
) -> Tensor:
    """Log-likelihood of samples by the ODE, (B,) float64, in nats.

    The density is the one that the ODE's samples have at the path's last noisy level, in the scale of x0, taken at x0
    itself: data smoothed by that little noise. See ``dequantise`` for data that are whole numbers.

    Args:
        x0: (N, ...) rows in diffusion space.
        path: Noisy to clean, such as ``grid``'s; the clean level is left out.
        probes: Vectors of random signs that estimate the trace without bias (Hutchinson), the same along the whole
            path; each costs a pass back through the denoiser. None for the exact trace, a pass for each coordinate.
        tolerance: Take Dormand and Prince's method with this error per step (see ``dormand_prince``), from the path's
            one end to the other; None for Heun's, a step from each level to the next.
        noise: Standard normal numbers like a tensor, whose signs are the probes; by default those of seed 0, sample i.

    Raises:
        UserError: If the path is no descent over two noisy levels that are scalars, or a number is out of range.
    """
    if probes is not None and probes < 1:
        raise UserError(f"probes must be at least 1, got {probes}")
    if tolerance is not None and not tolerance > 0:
        raise UserError(f"tolerance must be above 0, got {tolerance}")
    places, times = _places(path)
    owner = owner_of(cond)
    with outside_inference(), torch.no_grad():
        if noise is None:
            sample = torch.arange(len(x0), device=x0.device) if owner is None else owner
            noise = stream(0, sample, Purpose.PROBE)
        traced = Traced(denoise, cond, None if probes is None else signs(x0, probes, noise))
        field = partial(_field, traced, (places, times), x0, owner)
        low, high = places[0], places[-1]
        z = -torch.tanh(low) * x0.double()
        if tolerance is None:
            z, trace = heun(field, z, places.to(z.device))
        else:
            z, trace = dormand_prince(field, z, float(low), float(high), tolerance, owner)
        size = sum_per_sample(torch.ones_like(z), owner)
        stretched = torch.log(torch.cosh(low) / torch.cosh(high)) + torch.log(-torch.tanh(low))
        normal = -0.5 * (sum_per_sample(z**2, owner) + size * math.log(2 * math.pi))
        return normal + size * float(stretched) - trace


def _places(path: Path) -> tuple[Tensor, Tensor]:
    """w and the times of a path's noisy levels, clean to noise."""
    if not path.scalar:
        raise UserError("a likelihood needs scalar levels, not one per coordinate")
    noisy = path.sigma > 0
    angle, times = torch.atan2(path.sigma, path.alpha)[noisy].flip(0), path.t[noisy].flip(0)
    if len(angle) < 2 or bool((angle.diff() <= 0).any()):
        raise UserError("a likelihood needs a path that descends over at least two noisy levels")
    return place(angle), times


def _field(
    traced: Traced[C], known: tuple[Tensor, Tensor], like: Tensor, owner: Tensor | None, x: Tensor, w: Tensor
) -> tuple[Tensor, Tensor]:
    """The estimate and its trace at w; the level's time is read off the path's."""
    values = _interpolated(known, w.cpu()), -torch.tanh(w), 1 / torch.cosh(w)
    if w.dim():
        values = tuple(per_sample(value.to(w.device), x, owner) for value in values)  # type: ignore[assignment]
    level = NoiseLevel(*values)
    x0, trace = traced(x.to(like), level)
    return x0.to(x), trace


def _interpolated(known: tuple[Tensor, Tensor], w: Tensor) -> Tensor:
    """Times at w, linear between those of the path."""
    places, times = known
    after = torch.searchsorted(places, w.contiguous()).clamp(1, len(places) - 1)
    share = ((w - places[after - 1]) / (places[after] - places[after - 1])).clamp(0, 1)
    return torch.lerp(times[after - 1], times[after], share)
