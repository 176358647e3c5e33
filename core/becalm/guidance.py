"""Guidance is Denoiser -> Denoiser, and nothing else: so each works with every sampler, and they compose.

With E an energy (low is good) and s a scale, the guided score is  score(x) - s grad E.  In terms of the estimate,
x0 = (x + sigma^2 score) / alpha, that is  x0 - s (sigma^2 / alpha) grad_x E.

Scales follow one convention: 0 is no guidance by an energy; for classifier-free guidance 0 is unconditional, 1
conditional, above 1 sharper (papers that write w mean scale = 1 + w).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar, cast

import torch
from torch import Tensor

from becalm.denoiser import Denoiser, doubled, guided_like
from becalm.level import NoiseLevel

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
Scale = float | Callable[[NoiseLevel], Tensor]


class Guidance(Protocol[C]):
    """Makes a guided denoiser of a denoiser."""

    def __call__(self, denoise: Denoiser[C], /) -> Denoiser[C]: ...


class Energy(Protocol[C_contra]):
    """(x, level, cond) to one number per sample, (B,); low is good. A batch never couples its members."""

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C_contra, /) -> Tensor: ...


def compose(*guidance: Guidance[C]) -> Guidance[C]:
    """Applies several in turn; the first is nearest the network."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        for guide in guidance:
            denoise = guide(denoise)
        return denoise

    return apply


@dataclass(frozen=True, eq=False)
class ClassifierFree(Generic[C]):
    """Extrapolates from the unconditional to the conditional estimate (Ho and Salimans 2022, eq. 6).

    x0 = unconditional + scale (conditional - unconditional); linear in x0 as in eps, since each is
    affine in the other.

    Attributes:
        scale: 0 is unconditional, 1 conditional (either costs one call of the denoiser), above 1 sharper
            (one call of 2B).
        drop: Makes the null condition of a condition.
    """

    scale: Scale
    drop: Callable[[C], C]

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 1:
            return denoise
        if self.scale == 0:
            return guided_like(denoise, lambda x, level, cond: denoise(x, level, self.drop(cond)))

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            return self.both(denoise, x, level, cond)[0]

        return guided_like(denoise, guided)

    def both(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        """The guided and the conditional estimate, from one batched call."""
        conditional, unconditional = doubled(denoise, x, level, cond, self.drop(cond))
        return unconditional + at(self.scale, level) * (conditional - unconditional), conditional


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
            form).

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

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            return move(denoise, x, level, cond)

        return guided_like(denoise, guided)

    def _noisy(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return denoise(x, level, cond) - self._step(level, x) * gradient(self.energy, x, level, cond)

    def _clean(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        x0 = denoise(x, level, cond)
        step = at(self.scale, level) * level.sigma**2 / (level.alpha**2 + level.sigma**2)
        return x0 - step * gradient(self.energy, x0, level, cond)

    def _through(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            x0 = denoise(leaf, level, cond)
            (slope,) = torch.autograd.grad(_total(self.energy(x0, level, cond)), leaf)
        return x0.detach() - self._step(level, x) * slope

    def _step(self, level: NoiseLevel, x: Tensor) -> Tensor:
        exact = level.sigma**2 / level.alpha
        return (at(self.scale, level) * torch.where(level.alpha > 0, exact, torch.zeros_like(exact))).to(x)


def gradient(energy: Energy[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
    """Gradient of the energy at x, of x's shape; the energies of a batch do not mix, so their sum serves.

    Raises:
        ValueError: If the energy is not one number per sample.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(_total(energy(leaf, level, cond)), leaf)
    return slope


def _total(energy: Tensor) -> Tensor:
    if energy.dim() != 1:
        raise ValueError(f"an energy returns one number per sample, (B,), got shape {tuple(energy.shape)}")
    return energy.sum()


def clamp(low: float, high: float) -> Guidance[C]:
    """Static thresholding: the estimate stays within the data's range (Saharia et al. 2022, section 2.3)."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        return guided_like(denoise, lambda x, level, cond: denoise(x, level, cond).clamp(low, high))

    return apply


def dynamic_threshold(quantile: float, low: float = 1.0) -> Guidance[C]:
    """Scales a sample whose ``quantile`` of |x0| exceeds ``low`` back to that, after clipping (Saharia et al. 2022).

    Args:
        quantile: In (0, 1]; .995 in the paper.
        low: Largest honest |x0|: 1 for data in [-1, 1].
    """
    if not 0.0 < quantile <= 1.0:
        raise ValueError(f"quantile must be above 0 and at most 1, got {quantile}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            x0 = denoise(x, level, cond)
            bound = torch.quantile(x0.flatten(1).abs().float(), quantile, dim=1).clamp(min=low).to(x0)
            bound = bound.reshape(-1, *[1] * (x0.dim() - 1))
            return torch.minimum(torch.maximum(x0, -bound), bound) * (low / bound)

        return guided_like(denoise, guided)

    return apply


def hold(known: Tensor, mask: Tensor) -> Guidance[C]:
    """Pins the entries where ``mask`` is true (inpainting, observed actions)."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        return guided_like(denoise, lambda x, level, cond: torch.where(mask, known, denoise(x, level, cond)))

    return apply


def project(function: Callable[[Tensor, NoiseLevel, C], Tensor]) -> Guidance[C]:
    """Replaces the estimate by ``function(x0, level, cond)``: a projection onto a set, a repair, a rounding."""

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        return guided_like(denoise, lambda x, level, cond: function(denoise(x, level, cond), level, cond))

    return apply


def rescale(phi: float, guidance: Guidance[C]) -> Guidance[C]:
    """Pulls the guided estimate's spread back to the plain one's (Lin et al. 2024, eq. 15-16, on the x0 estimate).

    x0' = phi x0 std(plain) / std(x0) + (1 - phi) x0, with one standard deviation per sample. Costs one more call of the
    denoiser, except around ``ClassifierFree``, which has the plain estimate in hand.

    Args:
        phi: 0 changes nothing, 1 restores the spread wholly; .7 in the paper.
    """
    if not 0.0 <= phi <= 1.0:
        raise ValueError(f"phi must be between 0 and 1, got {phi}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        guide = guidance(denoise)

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            if isinstance(guidance, ClassifierFree):
                x0, plain = guidance.both(denoise, x, level, cond)
            else:
                x0, plain = guide(x, level, cond), denoise(x, level, cond)
            shape = (-1, *[1] * (x.dim() - 1))
            # In float64, rounded: a reduction's last bit depends on the size of the batch.
            wanted, had = (value.flatten(1).double().std(1).reshape(shape) for value in (plain, x0))
            return x0 * (1 + phi * (wanted / had.clamp(min=1e-12) - 1)).to(x0)

        return guided_like(denoise, guided)

    return apply


def interval(guidance: Guidance[C], low: float, high: float) -> Guidance[C]:
    """Guides only at times low <= t <= high, and costs nothing elsewhere (Kynkaanniemi et al. 2024)."""
    if not 0.0 <= low <= high <= 1.0:
        raise ValueError(f"a guidance interval needs 0 <= low <= high <= 1, got {low} and {high}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        guide = guidance(denoise)

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            # A level's time stays on the host (NoiseLevel.to), so this comparison waits for no device.
            return guide(x, level, cond) if low <= float(level.t) <= high else denoise(x, level, cond)

        return guided_like(denoise, guided)

    return apply


def at(scale: Scale, level: NoiseLevel) -> float | Tensor:
    """The scale at a level."""
    return scale(level) if callable(scale) else scale


def total(*terms: tuple[float, Energy[C]]) -> Energy[C]:
    """A weighted sum of energies, itself an energy."""

    def energy(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return cast(Tensor, sum(weight * term(x, level, cond) for weight, term in terms))

    return energy
