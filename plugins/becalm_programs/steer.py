"""The scale-free constraint step on the estimate: until rows hold, logits of entries move down the violation.

    l <- l - w g / max |g|,   g = A^T (lambda v),   v the signed violation of rows of unit length

Rows of unit length (Kaczmarz 1937) and a step whose largest entry is w make one strength fit all programs; each sample
stops by itself when nothing is violated; rows that stay violated weigh more with every step, as in feasibility jump
(Luteberget and Sartor 2023). Near clean, violations are those of the entries rounded, as they will be decoded.
"""

import torch
from torch import Tensor

from becalm.denoiser import Denoiser, guided_like
from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm_programs.condition import Block, Programs
from becalm_programs.network import excess, shares

_EDGE = 1e-6
_HELD = 1e-6
"""A row of unit length that is missed by no more than this holds."""


def steer(weight: float, *, pull: float, inner: int, last: int, rounded: float) -> Guidance[Programs]:
    """The step as guidance.

    Args:
        weight: w, the largest move of a logit in one step, above 0.
        pull: Weight of the cost: each step also moves logits by -pull * cost.
        inner: Steps at a level. last: Steps where entries are rounded.
        rounded: Time up to which violations are those of rounded entries.
    """

    def apply(denoise: Denoiser[Programs]) -> Denoiser[Programs]:
        def guided(x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
            x0 = denoise(x, level, cond)
            hard = float(level.t) <= rounded
            outputs, start = [], 0
            for block in cond.blocks:
                estimate = block.gather(x0[start : start + block.rows])
                start += block.rows
                logit = 2 * torch.atanh(estimate.clamp(-1 + _EDGE, 1 - _EDGE))
                moved = _settled(block, logit, weight, pull, last if hard else inner, hard)
                outputs.append(block.scatter(moved))
            return torch.cat(outputs)

        return guided_like(denoise, guided)

    return apply


def _settled(block: Block, logit: Tensor, weight: float, pull: float, steps: int, hard: bool) -> Tensor:
    """Estimates (N, K) after the steps."""
    price = torch.ones(len(block.low), logit.shape[1], device=logit.device, dtype=logit.dtype)
    zeros = price.new_zeros(block.programs, logit.shape[1])
    for _ in range(steps):
        over = excess(block, block.down(likely(block, logit, hard)))
        wrong = over.abs() > _HELD
        if not bool(wrong.any()):
            break
        price = price + 0.2 * wrong
        slope = block.up(price * over)
        largest = zeros.scatter_reduce(0, block.entry_owner[:, None].expand_as(slope), slope.abs(), "amax")
        live = zeros.scatter_reduce(0, block.row_owner[:, None].expand_as(over), over.abs(), "amax") > _HELD
        step = slope / largest.clamp(min=1e-12)[block.entry_owner]
        logit = logit - live[block.entry_owner] * (weight * step + pull * block.cost[:, None])
    return shares(block, logit)


def likely(block: Block, logit: Tensor, hard: bool) -> Tensor:
    """Entries (N, K) in [0, 1]; rounded as they are decoded if ``hard``: of a set of which one is 1, the likeliest."""
    soft = (1 + shares(block, logit)) / 2
    return rounded(block, soft) if hard else soft


def rounded(block: Block, p: Tensor) -> Tensor:
    """Entries (N, K) as they are decoded: what must be whole is 0 or 1."""
    bits = (p > 0.5).to(p.dtype)
    member = block.group >= 0
    if bool(member.any()):
        number = block.group.clamp(min=0)[:, None].expand_as(p)
        top = p.new_full((int(block.group.max()) + 1, p.shape[1]), -1.0)
        inside = p.masked_fill(~member[:, None], -2.0)
        top = top.scatter_reduce(0, number, inside, "amax")
        bits = torch.where(member[:, None], (inside >= top.gather(0, number)).to(p.dtype), bits)
    return torch.where(block.entries[:, 5, None] > 0, bits, p)
