"""What a linear reading of x0 moves the estimate by.

    V A^T (A V A^T + s^2)^-1 (y - A x0),   V = sigma^2 / alpha  dx0/dx,  the covariance of x0 given x

(Tweedie's second formula; Boys et al. 2024, proposition 2.) A product with V is a pass back through the network.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample

Products = Callable[[Tensor], tuple[Tensor, Tensor]]
"""u, of the residual's shape, to V A^T u, of x's, and S u = (A V A^T + s^2) u."""


def conjugate_gradients(
    products: Products, residual: Tensor, iterations: int, *, owner: Tensor | None = None, of: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """V A^T u with S u = residual, of each sample by itself, and the quadratic form residual^T S^-1 residual, (B,).

    Args:
        residual: y - A x0.
        iterations: At least 1; as many as there are readings are exact.
        owner: (N,) sample of each row of x; None where each row is a sample.
        of: The same of the residual's rows.
    """
    tiny = torch.finfo(residual.dtype).tiny
    direction, moved = residual, None
    size = sum_per_sample(residual * residual, of)
    form = torch.zeros_like(size)
    for _ in range(iterations):
        way, image = products(direction)
        bend = sum_per_sample(direction * image, of)
        step = torch.where(bend > tiny, size / bend.clamp(min=tiny), 0.0)
        change = per_sample(step, way, owner) * way
        moved = change if moved is None else moved + change
        form = form + step * size
        residual = residual - per_sample(step, residual, of) * image
        before, size = size, sum_per_sample(residual * residual, of)
        direction = residual + per_sample(size / before.clamp(min=tiny), residual, of) * direction
    if moved is None:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
    return moved, form


def direct(
    products: Products, residual: Tensor, std: float, *, owner: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """As ``conjugate_gradients``, with S built reading by reading: as many products as there are readings.

    Where a network's S is no covariance, its eigenvalues count as at least ``std`` squared.

    Args:
        residual: (B, m).

    Returns:
        V A^T u; the quadratic form and log det S, both (B,).
    """
    unit = torch.eye(residual.shape[1], dtype=residual.dtype, device=residual.device)
    ways, images = zip(*(products(row.expand_as(residual)) for row in unit), strict=True)
    matrix = torch.stack(images, 2).double()
    values, basis = torch.linalg.eigh((matrix + matrix.mT) / 2)
    values = values.clamp(min=max(std**2, torch.finfo(residual.dtype).tiny))
    turned = (basis.mT @ residual.double()[..., None])[..., 0]
    solution = (basis @ (turned / values)[..., None])[..., 0].to(residual)
    moved = torch.zeros_like(ways[0])
    for place, way in enumerate(ways):
        moved = moved + per_sample(solution[:, place], way, owner) * way
    return moved, (turned**2 / values).sum(1).to(residual), values.log().sum(1).to(residual)
