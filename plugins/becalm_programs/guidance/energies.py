"""Constraints and cost as energies: one number per sample, for core's ``Descend``.

    violation   sum_k max(a_k . p - b_k, 0)          over rows of unit length, both bounds
    objective   c . p                                 with the cost scaled to largest size 1

with p = (1 + x0) / 2, the estimate as entries in [0, 1].
"""

import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm_programs.problem.batch import ProblemBatch


def violation(x0: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
    """By how much the estimate's rows leave their bounds, in all, (B,)."""
    return _sum(x0, cond, rows=True)


def objective(x0: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
    """The scaled cost of the estimate, (B,)."""
    return _sum(x0, cond, rows=False)


def _sum(x0: Tensor, cond: ProblemBatch, *, rows: bool) -> Tensor:
    sums = []
    for block, part in cond.parts():
        p = (1 + block.gather(x0[part])) / 2
        each = block.violation(block.down(p)).abs() if rows else block.cost[:, None] * p
        owner = block.row_owner if rows else block.entry_owner
        sums.append(block.sums(each, owner).flatten())
    return torch.cat(sums)
