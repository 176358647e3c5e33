"""Estimates tilted by the objective: where guidance starts from.

    l <- l - s (c - A^T y),   l the logit of an entry, y the dual values of the relaxation

This is the posterior under the Lagrangian exp(-s (c . p - y . A p)). Costs alone would work against every row.
"""

import torch
from torch import Tensor

from becalm_programs.problem.block import BlockDiagonal

_EDGE = 1e-6


def tilted_logit(block: BlockDiagonal, x0: Tensor, objective_weight: float) -> Tensor:
    """Logits (N, K) of estimates (N, K), tilted by the objective."""
    estimate = x0.clamp(-1 + _EDGE, 1 - _EDGE)
    return 2 * torch.atanh(estimate) - objective_weight * block.reduced_cost[:, None]
