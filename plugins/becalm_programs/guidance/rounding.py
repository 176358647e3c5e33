"""Rounding search as a projection of the estimate, near clean, where entries are rounded as they will be decoded.

What is least sure for what it mends changes first; with logits -cost this is the greedy rule of Chvatal 1979, and with
a network's its doubt takes the place of cost. How sure an entry is, is what the program and the other entries say of
it: most of the log-likelihood ratio of its own noise is taken off.
"""

import torch
from torch import Tensor

from becalm.denoiser import Denoiser, wrap
from becalm.guidance import Guidance, project
from becalm.level import NoiseLevel
from becalm_programs.denoiser.network import LLR_LIMIT, log_likelihood_ratio, posterior_mean
from becalm_programs.guidance.tilt import tilted_logit
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.rounding import round_entries
from becalm_programs.search.rounding import rounding_search

_OWN = 0.95
"""Share of an entry's own log-likelihood ratio that is taken off."""


def rounding_projection(*, objective_weight: float, steps: int, patience: int) -> Guidance[ProblemBatch]:
    """The search as guidance.

    Args:
        objective_weight: s, by which the objective tilts the estimate before; above 0, the search goes down the cost.
        steps: Most steps of the search. patience: Of these, how many without anything better after which a feasible
            sample is left.
    """

    def logit(block: BlockDiagonal, x0: Tensor, ratio: Tensor) -> Tensor:
        tilted = tilted_logit(block, x0, objective_weight)
        return torch.where(block.whole, tilted - _OWN * ratio.clamp(-LLR_LIMIT, LLR_LIMIT), tilted)

    def search(block: BlockDiagonal, logit: Tensor) -> Tensor:
        p = rounding_search(block, logit, steps, descend=objective_weight > 0, patience=patience)
        mean = posterior_mean(block, logit)
        # What stays as it was keeps saying how sure it is.
        return torch.where(round_entries(block, (1 + mean) / 2) == p, mean, 2 * p - 1)

    def project_logits(logits: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        return cond.map(search, logits)

    def apply(denoise: Denoiser[ProblemBatch]) -> Denoiser[ProblemBatch]:
        # Logits and not estimates are projected: close to -1 and 1 float32 could not tell estimates apart.
        def logits(x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
            return cond.map(logit, denoise(x, level, cond), log_likelihood_ratio(x, level))

        return project(project_logits)(wrap(denoise, logits))

    return apply
