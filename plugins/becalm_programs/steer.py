"""The scale-free constraint step on the estimate: logits of entries move down the violation until rows hold.

    l <- l - eta g,   g = A^T (lambda v),   v the signed violation of rows of unit length

Rows of unit length (Kaczmarz 1937), weights lambda that grow while a row stays violated, as in feasibility jump
(Luteberget and Sartor 2023), and a step eta that each sample finds for itself make one strength fit all programs.

* On the way, violations are those of the estimate, and the largest move of a logit is ``weight``.
* Near clean, violations are those of the entries rounded, as they will be decoded, and eta leads just past the next
  break: where rounding changes first. What is least sure for what it mends changes first, a tenth as many entries at
  a time as there are violated rows. With logits -cost this is the greedy rule of Chvatal 1979; with a network's, its
  doubt takes the place of cost.

The objective tilts the estimate before, by costs less what rows pay: l <- l - s (c - A^T y), the posterior under the
Lagrangian exp(-s (c . p - y . A p)) at the relaxation's prices y. Costs alone would pull against every row.
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
_GROWTH = 0.05
_AT_ONCE = 0.1
_MOST = 256


def steer(weight: float, *, pull: float, inner: int, last: int, near: float) -> Guidance[Programs]:
    """The step as guidance.

    Args:
        weight: Largest move of a logit in one step on the way; 0 leaves the estimates on the way as they are.
        pull: s, weight of the objective.
        inner: Steps at a level. last: Most steps where entries are rounded.
        near: Time up to which violations are those of rounded entries.
    """

    def apply(denoise: Denoiser[Programs]) -> Denoiser[Programs]:
        def guided(x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
            x0 = denoise(x, level, cond)
            outputs, start = [], 0
            for block in cond.blocks:
                estimate = block.gather(x0[start : start + block.rows])
                start += block.rows
                logit = 2 * torch.atanh(estimate.clamp(-1 + _EDGE, 1 - _EDGE)) - pull * block.reduced[:, None]
                if float(level.t) > near:
                    moved = shares(block, softened(block, logit, weight, inner))
                else:
                    moved = shares(block, logit)
                    bits = settled(block, logit, last)
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
        wrong = over.abs() > _HELD
        if not bool(wrong.any()):
            break
        price = price + 4 * _GROWTH * wrong
        slope = block.up(price * over)
        largest = block.most(slope.abs(), block.entry_owner)
        # A sample whose rows all hold has no slope.
        logit = logit - weight * slope / block.per_sample(largest.clamp(min=1e-12))
    return logit


def settled(block: Block, logit: Tensor, steps: int) -> Tensor:
    """Entries (N, K) as decoded, after at most so many breaks; of each sample the least violated on the way."""
    price = torch.ones_like(logit[:1]).expand(len(block.low), -1)
    best, least = torch.empty(0), torch.empty(0)
    for step in range(steps + 1):
        p = rounded(block, (1 + shares(block, logit)) / 2)
        over = excess(block, block.down(p))
        wrong = over.abs() > _HELD
        violation = block.sums(torch.where(wrong, over.abs(), 0.0), block.row_owner)
        if step == 0:
            best, least = p, violation
        else:
            better = violation < least
            best = torch.where(block.per_sample(better), p, best)
            least = torch.where(better, violation, least)
        if step == steps or not bool((least > 0).any()):
            break
        price = price + _GROWTH * wrong
        slope = block.up(price * over)
        count = 1 + (_AT_ONCE * block.sums(wrong.to(p.dtype), block.row_owner)).long()
        logit = logit - block.per_sample(_step(block, breaks(block, logit, slope), count)) * slope
    return best


def breaks(block: Block, logit: Tensor, slope: Tensor) -> Tensor:
    """The eta (N, K) from which on an entry of logit - eta slope is rounded otherwise; inf where it never is.

    An entry of a set of which one is 1 changes where it overtakes the set's likeliest.
    """
    on = logit > 0
    falls, rises = on & (slope > 0), ~on & (slope < 0)
    alone = torch.where(falls | rises, logit / torch.where(falls | rises, slope, 1.0), torch.inf)
    if not block.has_groups:
        return alone
    member, number = block.member, block.group.clamp(min=0)[:, None].expand_as(logit)
    size = int(block.group.max()) + 1
    inside = logit.masked_fill(~member, -torch.inf)
    low = logit.new_full((size, logit.shape[1]), -torch.inf)
    top = low.scatter_reduce(0, number, inside, "amax").gather(0, number)
    first = member & (inside >= top)
    pace = low.scatter_reduce(0, number, slope.masked_fill(~first, -torch.inf), "amax").gather(0, number) - slope
    gains = member & ~first & (pace > 1e-12)
    overtakes = torch.where(gains, (top - logit) / torch.where(gains, pace, 1.0), torch.inf)
    return torch.where(member, overtakes, alone)


def _step(block: Block, eta: Tensor, count: Tensor) -> Tensor:
    """Of each sample the ``count``-th (P, K) least of eta (N, K), and a little more; 0 where nothing breaks."""
    steps = []
    for part, wanted in zip(eta.split(block.sizes), count, strict=True):
        most = min(int(wanted.max()), _MOST, len(part))
        ordered = torch.topk(part, most, dim=0, largest=False, sorted=True).values
        chosen = ordered.gather(0, wanted.clamp(max=most)[None] - 1)[0]
        steps.append(torch.where(torch.isfinite(chosen), chosen, ordered[0]))
    eta = torch.stack(steps)
    return torch.where(torch.isfinite(eta), eta * (1 + 1e-4) + 1e-9, 0.0)


def rounded(block: Block, p: Tensor) -> Tensor:
    """Entries (N, K) as they are decoded: what must be whole is 0 or 1, of a set of which one is 1 the likeliest."""
    bits = (p > 0.5).to(p.dtype)
    if block.has_groups:
        number = block.group.clamp(min=0)[:, None].expand_as(p)
        top = p.new_full((int(block.group.max()) + 1, p.shape[1]), -1.0)
        inside = p.masked_fill(~block.member, -2.0)
        top = top.scatter_reduce(0, number, inside, "amax")
        bits = torch.where(block.member, (inside >= top.gather(0, number)).to(p.dtype), bits)
    return torch.where(block.whole, bits, p)
