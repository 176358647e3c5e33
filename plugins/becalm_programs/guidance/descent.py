"""The scale-free constraint step on the estimate: logits of entries move down the violation until rows hold.

    l <- l - eta g,   g = A^T (lambda v),   v the signed violation of rows of unit length

Rows of unit length (Kaczmarz 1937), weights lambda that grow while a row stays violated, as in feasibility jump
(Luteberget and Sartor 2023), and a step eta that each sample finds for itself make one strength fit all programs.
"""

import torch
from torch import Tensor

from becalm.guidance import Guidance, project
from becalm.level import NoiseLevel
from becalm_programs.denoiser.network import posterior_mean
from becalm_programs.guidance.tilt import tilted_logit
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import HELD, BlockDiagonal

_GROWTH = 0.2


def violation_descent(weight: float, *, objective_weight: float, steps: int) -> Guidance[ProblemBatch]:
    """The step as guidance.

    Args:
        weight: Largest move of a logit in one step; 0 moves none.
        objective_weight: s, by which the objective tilts the estimate before.
        steps: At most so many at a level.
    """

    def step(block: BlockDiagonal, x0: Tensor) -> Tensor:
        logit = tilted_logit(block, x0, objective_weight)
        return posterior_mean(block, descend_violation(block, logit, weight, steps))

    def descend(x0: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        return cond.map(step, x0)

    return project(descend)


def descend_violation(block: BlockDiagonal, logit: Tensor, weight: float, steps: int) -> Tensor:
    """Logits (N, K) after at most so many steps down the violation of their estimates."""
    row_weight = torch.ones_like(logit[:1]).expand(len(block.low), -1)
    for _ in range(steps if weight else 0):
        violation = block.violation(block.down((1 + posterior_mean(block, logit)) / 2))
        violated = violation.abs() > HELD
        if not bool(violated.any()):
            break
        row_weight = row_weight + _GROWTH * violated
        slope = block.up(row_weight * violation)
        largest = block.most(slope.abs(), block.entry_owner)
        # A sample whose rows all hold has no slope.
        logit = logit - weight * slope / block.per_sample(largest.clamp(min=1e-12))
    return logit
