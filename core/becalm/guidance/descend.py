"""Guidance by the gradient of an energy: at x, at the estimate, or at the estimate through the network."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample, tile
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.guidance.protocol import Energy, Scale, at
from becalm.guidance.twist import Twist
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class Descend(Generic[C]):
    """Moves the estimate down an energy.

    Attributes:
        energy: One number per sample.
        scale: 0 is no guidance; 1 is exact when the energy is -log p(y | x_t) and ``where`` is noisy.
        where: ``noisy``: gradient at the noisy x, x0 - s sigma^2/alpha grad E(x) (classifier guidance, Dhariwal and
            Nichol 2021, eq. 14). ``clean``: gradient at the estimate, step s sigma^2/(alpha^2 + sigma^2), bounded and
            free of the network's Jacobian (as Yu et al. 2023, FreeDoM, without their back-propagation). ``through``:
            gradient of E(x0(x)) through the network (diffusion posterior sampling, Chung et al. 2023, eq. 16, in energy
            form), divided by 1 + s h V, h the energy's curvature and V the variance of x0 given x along that gradient,
            which the network's Jacobian knows (Boys et al. 2024, eq. 8): at scale 1 exact where data are Gaussian and
            the energy is -log p(y | x0), of one measurement.

    At alpha = 0, pure noise, x says nothing of x0 and ``noisy`` and ``through`` leave the estimate alone.
    """

    energy: Energy[C]
    scale: Scale
    where: Literal["noisy", "clean", "through"] = "noisy"

    def __post_init__(self) -> None:
        if self.where not in ("noisy", "clean", "through"):
            raise ValueError(f"where must be noisy, clean or through, got {self.where!r}")

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        move = {"noisy": self._noisy, "clean": self._clean, "through": self._through}[self.where]
        return wrap(denoise, lambda x, level, cond: move(denoise, x, level, cond))

    def twist(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Twist:
        """The estimate, the guided one, and -s E at x where ``where`` is noisy, else at the estimate, (B,).

        One call of the denoiser, but through it, which is two.
        """
        x0 = denoise(x, level, cond).detach()
        known = wrap(denoise, lambda x, level, cond: x0)
        guided = self(denoise if self.where == "through" else known)(x, level, cond)
        energy = self.energy(x if self.where == "noisy" else x0, level, cond)
        scale = at(self.scale, level)
        return Twist(x0, guided, -scale * energy)

    def _noisy(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        slope = gradient(self.energy, x, level, cond)
        return _less(denoise(x, level, cond), self._scaled(level, x, cond) * variance(level), slope)

    def _clean(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        x0 = denoise(x, level, cond)
        share = level.sigma**2 / (level.alpha**2 + level.sigma**2)
        return _less(x0, self._scaled(level, x, cond) * share, gradient(self.energy, x0, level, cond))

    def _through(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        outer = torch.is_grad_enabled() and x.requires_grad  # A guidance around this one asks for the gradient.
        with torch.enable_grad():
            leaf = x if outer else x.detach().requires_grad_()
            x0 = denoise(leaf, level, cond)
            at_x0 = x0 if outer else x0.detach().requires_grad_()
            (slope,) = torch.autograd.grad(_total(self.energy(at_x0, level, cond)), at_x0, create_graph=True)
            (moved,) = torch.autograd.grad(x0, leaf, slope, create_graph=outer, retain_graph=outer)
            wide = torch.promote_types(moved.dtype, torch.float32)
            moved = moved.to(wide) * variance(level).to(wide)
            scale = self._scaled(level, x, cond)
            bend = _curvature(slope, at_x0, moved, cond, outer=outer)
            step = scale / (1 + scale * per_sample(bend, x, owner_of(cond)))
        return _less(x0, step, moved) if outer else _less(x0.detach(), step.detach(), moved.detach())

    def _scaled(self, level: NoiseLevel, x: Tensor, cond: C) -> Tensor:
        """The scale, broadcasting against x, at least in float32: sigma^2 may be more than half precision holds."""
        scale, wide = at(self.scale, level), torch.promote_types(x.dtype, torch.float32)
        if not isinstance(scale, Tensor):
            return torch.full((), scale, dtype=wide, device=x.device)
        scale, owner = scale.to(x.device, wide), owner_of(cond)
        return per_sample(tile(scale, x, owner), x, owner) if scale.dim() else scale


def variance(level: NoiseLevel) -> Tensor:
    """sigma^2 / alpha, what turns a slope in x into a move of the estimate; 0 at pure noise."""
    exact = level.sigma**2 / level.alpha
    return torch.where(level.alpha > 0, exact, torch.zeros_like(exact))


def gradient(energy: Energy[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
    """Gradient of the energy at x, of x's shape; the energies of a batch do not mix, so their sum serves.

    Where a gradient of x is being computed, this can be derived once more.

    Raises:
        ValueError: If the energy is not one number per sample, or does not depend on x smoothly.
    """
    outer = torch.is_grad_enabled() and x.requires_grad
    with torch.enable_grad():
        leaf = x if outer else x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(_total(energy(leaf, level, cond)), leaf, create_graph=outer)
    return slope


def _curvature(slope: Tensor, x0: Tensor, moved: Tensor, cond: object, *, outer: bool) -> Tensor:
    """<g, H V g> / <g, g> for each sample, (B,): how much the energy's slope g changes per move V g along it."""
    owner, change = owner_of(cond), None
    if slope.requires_grad:  # An energy linear in x0 has no curvature.
        way = (moved if outer else moved.detach()).to(slope.dtype)
        (change,) = torch.autograd.grad(slope, x0, way, retain_graph=True, create_graph=outer, allow_unused=True)
    slope = slope.to(moved.dtype)
    size = sum_per_sample(slope * slope, owner)
    if change is None:
        return torch.zeros_like(size)
    return (sum_per_sample(slope * change, owner) / size.clamp(min=torch.finfo(size.dtype).tiny)).clamp(min=0)


def _less(x0: Tensor, step: Tensor, slope: Tensor) -> Tensor:
    """x0 - step * slope in x0's dtype; the product at least in float32, since half precision may not hold the step."""
    wide = torch.promote_types(x0.dtype, torch.float32)
    moved = x0.to(wide) - step.to(wide) * slope.to(wide)
    if wide == x0.dtype:
        return moved
    most = torch.finfo(x0.dtype).max
    return moved.clamp(-most, most).to(x0.dtype)


def _total(energy: Tensor) -> Tensor:
    if energy.dim() != 1:
        raise ValueError(f"an energy returns one number per sample, (B,), got shape {tuple(energy.shape)}")
    if not energy.requires_grad:
        raise ValueError("an energy must have a gradient: use smooth operations of x, no counts, comparisons or detach")
    return energy.sum()
