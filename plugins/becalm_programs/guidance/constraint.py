"""The scale-free constraint step on the estimate: logits of entries move down the violation until rows hold.

    l <- l - eta g,   g = A^T (lambda v),   v the signed violation of rows of unit length

Rows of unit length (Kaczmarz 1937), weights lambda that grow while a row stays violated, as in feasibility jump
(Luteberget and Sartor 2023), and a step eta that each sample finds for itself make one strength fit all programs.

On the way, violations are those of the estimate, and the largest move of a logit is ``weight``. The objective tilts the
estimate before, by costs less what rows pay: l <- l - s (c - A^T y), the posterior under the Lagrangian
exp(-s (c . p - y . A p)) at the relaxation's prices y. Costs alone would pull against every row.

Near clean, violations are those of the entries rounded, as they will be decoded, and what is least sure for what it
mends changes first (``becalm_programs.search.rounding``); with logits -cost this is the greedy rule of Chvatal 1979,
and with a network's its doubt takes the place of cost. How sure an entry is, is what the program and the other entries
say of it: most of the evidence of its own noise is taken off.
"""

import torch
from torch import Tensor

from becalm.denoiser import Denoiser, guided_like
from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm_programs.denoiser.network import SURE, evidence, excess, shares
from becalm_programs.problem.batch import Block, Programs
from becalm_programs.search.rounding import GROWTH, HELD, rounded, settled

_EDGE = 1e-6
_OWN = 0.95
"""Share of an entry's own evidence that is taken off near clean."""


def steer(weight: float, *, pull: float, inner: int, last: int, patience: int, near: float) -> Guidance[Programs]:
    """The step as guidance.

    Args:
        weight: Largest move of a logit in one step on the way; 0 leaves the estimates on the way as they are.
        pull: s, weight of the objective.
        inner: Steps at a level. last: Most steps where entries are rounded.
        patience: Of these, how many without anything better after which a feasible sample is left.
        near: Time up to which violations are those of rounded entries.
    """

    def apply(denoise: Denoiser[Programs]) -> Denoiser[Programs]:
        def guided(x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
            x0 = denoise(x, level, cond)
            outputs = []
            for block, part in cond.parts():
                estimate = block.gather(x0[part]).clamp(-1 + _EDGE, 1 - _EDGE)
                logit = 2 * torch.atanh(estimate) - pull * block.reduced[:, None]
                if float(level.t) > near:
                    moved = shares(block, softened(block, logit, weight, inner))
                else:
                    own = block.gather(evidence(x[part], level)).clamp(-SURE, SURE)
                    logit = torch.where(block.whole, logit - _OWN * own, logit)
                    moved = shares(block, logit)
                    bits = settled(block, logit, last, descend=pull > 0, patience=patience)
                    # What stays as it was keeps saying how sure it is.
                    moved = torch.where(rounded(block, (1 + moved) / 2) == bits, moved, 2 * bits - 1)
                outputs.append(block.scatter(moved))
            return torch.cat(outputs)

        return guided_like(denoise, guided)

    return apply


def softened(block: Block, logit: Tensor, weight: float, steps: int) -> Tensor:
    """Logits (N, K) after at most so many steps down the violation of their estimates."""
    price = torch.ones_like(logit[:1]).expand(len(block.low), -1)
    for _ in range(steps if weight else 0):
        over = excess(block, block.down((1 + shares(block, logit)) / 2))
        wrong = over.abs() > HELD
        if not bool(wrong.any()):
            break
        price = price + 4 * GROWTH * wrong
        slope = block.up(price * over)
        largest = block.most(slope.abs(), block.entry_owner)
        # A sample whose rows all hold has no slope.
        logit = logit - weight * slope / block.per_sample(largest.clamp(min=1e-12))
    return logit
