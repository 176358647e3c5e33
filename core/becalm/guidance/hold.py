"""Samples some of whose entries are known: inpainting, observed actions."""

from typing import TypeVar

import torch
from torch import Tensor

from becalm.batch import tile
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.descend import variance
from becalm.guidance.measured.gain import conjugate_gradients
from becalm.guidance.protocol import Guidance
from becalm.level import NoiseLevel

C = TypeVar("C")


def hold(known: Tensor, mask: Tensor, *, iterations: int = 1) -> Guidance[C]:
    """Holds the entries where ``mask`` is true, and moves the others to where these make them likely.

    Given x, entries of x0 are correlated: V = sigma^2 / alpha dx0/dx is their covariance. Those that are known move the
    estimate by V M (M V M)^-1 (known - x0), M the mask; the inverse is taken by conjugate gradients (Rozet et al. 2024,
    algorithm 2, with exact measurements). Exact where data are Gaussian and ``iterations`` are as many as entries are
    known. Replacing alone (``iterations`` = 0) leaves the others as if nothing was known.

    Args:
        known: Values in diffusion space; broadcasts against x.
        mask: Where they are known.
        iterations: Of conjugate gradients; each costs a pass back through the network.
    """

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            for each in (known, mask):
                if each.dim() == x.dim() and len(x) % len(each):
                    raise UserError(f"hold has values of {len(each)} samples, got {len(x)}: draw as many at a time")
            values, held = (tile(each, x, None) if each.dim() == x.dim() else each for each in (known, mask))
            if not iterations:
                return torch.where(held, values, denoise(x, level, cond))
            outer = torch.is_grad_enabled() and x.requires_grad
            with torch.enable_grad():
                leaf = x if outer else x.detach().requires_grad_()
                x0 = denoise(leaf, level, cond)
                owner, factor = owner_of(cond), variance(level).to(x0)

                def products(u: Tensor) -> tuple[Tensor, Tensor]:
                    (way,) = torch.autograd.grad(x0, leaf, u, retain_graph=True, create_graph=outer)
                    way = way * factor
                    return way, torch.where(held, way, 0.0)

                residual = torch.where(held, values - x0, 0.0)
                moved, _ = conjugate_gradients(products, residual, iterations, owner=owner, of=owner)
            found = torch.where(held, values, x0 + moved)
            return found if outer else found.detach()

        return wrap(denoise, guided)

    return apply
