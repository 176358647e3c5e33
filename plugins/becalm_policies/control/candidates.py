"""Which of several sampled chunks to execute.

Density: with d_ij^2 the mean squared difference of the entries of candidates i and j, candidate i has the kernel
density sum_j exp(-d_ij^2 / (2 h^2)), and the densest is executed: an outlier of the sampler never is (Diffusion-KDE,
Pearce et al. 2023, section 4.3). They fit single actions, with the sum of squares where we take the mean, so their
bandwidth is ours times sqrt(entries).
"""

import torch
from torch import Tensor


def densest(candidates: Tensor, bandwidth: float) -> Tensor:
    """Number of the candidate where the density is highest, (B,).

    Args:
        candidates: (B, K, ...) chunks in diffusion space, whose entries are of one size.
        bandwidth: h > 0, in units of an entry.

    Raises:
        ValueError: If the bandwidth is not above 0.
    """
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be above 0, got {bandwidth}")
    flat = candidates.flatten(2)
    # Differences, not cdist: its products lose the digits of near candidates.
    squares = torch.stack([(flat - flat[:, k : k + 1]).square().mean(2) for k in range(flat.shape[1])], dim=1)
    # In logarithms: far apart, every kernel but a candidate's own underflows, and all tie as they should.
    return (squares / (-2.0 * bandwidth**2)).logsumexp(2).argmax(1)


def pick(candidates: Tensor, number: Tensor) -> Tensor:
    """Candidate ``number``, (B,), of each row of (B, K, ...)."""
    return candidates[torch.arange(len(candidates), device=candidates.device), number]
