"""How close samples are to data, in the feature space of a judge: Frechet distance, precision and recall.

A classifier's accuracy alone proves nothing: one Gaussian per class reaches 98 % on MNIST. The Frechet distance sees
blur, noise and missing modes; precision and recall tell the two failures apart.
"""

import torch
from torch import Tensor

NEIGHBOURS = 3


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of features (N, D), float64."""
    features = features.double()
    return features.mean(0), torch.cov(features.T)


def frechet(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al. 2017, eq. 6).

    The trace of the root is the sum of the roots of the eigenvalues of C1 C2, which are real and not negative;
    rounding may make some slightly so.
    """
    (mean1, cov1), (mean2, cov2) = first, second
    roots = torch.linalg.eigvals(cov1 @ cov2).real.clamp(min=0).sqrt().sum()
    return float((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * roots)


def precision_recall(real: Tensor, generated: Tensor) -> tuple[float, float]:
    """Share of generated in the manifold of real, and of real in that of generated (Kynkaanniemi et al. 2019, eq. 1-2).

    A set's manifold is the union of balls about its members that reach to their third nearest neighbour. Recall
    depends strongly on how many are generated: compare only with another set of as many.

    Args:
        real, generated: Features, (N, D) and (M, D), both larger than ``NEIGHBOURS``.
    """
    between = distances(generated, real)
    within = radii(distances(real, real)), radii(distances(generated, generated))
    return float(inside(between, within[0]).float().mean()), float(inside(between.T, within[1]).float().mean())


def distances(first: Tensor, second: Tensor) -> Tensor:
    """Euclidean distances of (N, D) and (M, D), (N, M), float32."""
    return torch.cdist(first.float(), second.float())


def radii(within: Tensor) -> Tensor:
    """Distance of each member to its third nearest neighbour, itself not counted, (N,), from all distances (N, N)."""
    return within.kthvalue(NEIGHBOURS + 1, dim=1).values


def inside(between: Tensor, radius: Tensor) -> Tensor:
    """Which points lie in a manifold, (N,) bool, from their distances (N, M) to its members, and these' radii (M,)."""
    return between.le(radius).any(1)
