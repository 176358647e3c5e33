"""The scale-free constraint step on the estimate: logits of entries move down the violation until rows hold.

    l <- l - eta g,   g = A^T (lambda v),   v the signed violation of rows of unit length

Rows of unit length (Kaczmarz 1937), weights lambda that grow while a row stays violated, as in feasibility jump
(Luteberget and Sartor 2023), and a step eta that each sample finds for itself make one strength fit all programs.

On the way, violations are those of the estimate, and the largest move of a logit is ``weight``. The objective tilts the
estimate before, by costs less what rows pay: l <- l - s (c - A^T y), the posterior under the Lagrangian
exp(-s (c . p - y . A p)) at the relaxation's prices y. Costs alone would pull against every row.

Near clean, violations are those of the entries rounded, as they will be decoded, and eta leads just past the next
break: where rounding changes first. So what is least sure for what it mends changes first; with logits -cost this is
the greedy rule of Chvatal 1979, and with a network's its doubt takes the place of cost. How sure an entry is, is what
the program and the other entries say of it: most of the evidence of its own noise is taken off. Where all rows hold,
the objective pulls likewise: down the cost, as far as rows have room.
"""

import torch
from torch import Tensor

from becalm.denoiser import Denoiser, guided_like
from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm_programs.condition import Block, Programs
from becalm_programs.network import SURE, evidence, excess, shares

_EDGE = 1e-6
_HELD = 1e-6
"""A row of unit length that is missed by no more than this holds."""
_GROWTH = 0.05
_OWN = 0.95
"""Share of an entry's own evidence that is taken off near clean."""
_PATIENCE = 50
"""Steps without a better solution after which a feasible sample is left."""
_FAR = 1e6
"""More than any cost: what has no violation is better than what has."""


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
                    bits = settled(block, logit, last, descend=pull > 0)
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


def settled(block: Block, logit: Tensor, steps: int, *, descend: bool) -> Tensor:
    """Entries (N, K) as decoded, after at most so many breaks; of each sample the best on the way.

    Of what is rounded, the best is the least violated, and of those without violation the one of least cost.

    Args:
        descend: Go on down the cost where all rows hold.
    """
    ended = torch.empty_like(logit)
    columns = torch.arange(logit.shape[1], device=logit.device)
    price = torch.ones_like(logit[:1]).expand(len(block.low), -1)
    best, least = torch.empty_like(logit), torch.full_like(logit[: block.programs], torch.inf, dtype=torch.float64)
    idle = torch.zeros_like(least)
    for _ in range(steps + 1):
        # From logits, as their likelihoods would be a tie close to one half.
        p = torch.where(block.whole, _bits(block, logit, 0.0), torch.sigmoid(logit))
        activity = block.down(p)
        over = excess(block, activity)
        wrong = over.abs() > _HELD
        violation = block.sums(torch.where(wrong, over.abs(), 0.0), block.row_owner)
        spent = block.sums(block.cost[:, None] * p, block.entry_owner)
        worth = torch.where(violation > 0, violation.double(), spent.double() - _FAR)
        better = worth < least
        best = torch.where(block.per_sample(better), p, best)
        least = torch.where(better, worth, least)
        idle = torch.where(better, 0, idle + 1)
        live = (least > -_FAR / 2) | (descend & (idle < _PATIENCE))
        price = price + _GROWTH * wrong
        slope, room = block.up(price * over), block.held(activity)
        fine = violation == 0
        slope = torch.where(block.per_sample(fine), _downhill(block, *room), slope)
        eta = live * _step(block, breaks(block, logit, slope), torch.where(p > 0.5, *room), ~fine)
        logit = logit - block.per_sample(eta) * slope
        going = (eta > 0).any(0)
        if not bool(going.all()):
            # What has come to its end costs no more time.
            ended[:, columns[~going]] = best[:, ~going]
            logit, price, best, least, idle = (each[:, going] for each in (logit, price, best, least, idle))
            columns = columns[going]
            if not len(columns):
                break
    ended[:, columns] = best
    return ended


def _downhill(block: Block, low: Tensor, high: Tensor) -> Tensor:
    """The cost (N, K), 0 for entries that rows without room hold where they are: not lower, not higher."""
    cost = block.cost[:, None]
    return torch.where((low & (cost > 0)) | (high & (cost < 0)), 0.0, cost)


def breaks(block: Block, logit: Tensor, slope: Tensor) -> Tensor:
    """The eta (N, K) from which on an entry of logit - eta slope is rounded otherwise; inf where it never is.

    An entry of a set of which one is 1 changes where it overtakes the set's likeliest.
    """
    on = logit > 0
    falls, rises = on & (slope > 0), ~on & (slope < 0)
    alone = torch.where(falls | rises, logit / torch.where(falls | rises, slope, 1.0), torch.inf)
    if not block.has_groups:
        return alone
    top = block.of_sets(logit, "amax", -torch.inf)
    first = block.member & (logit >= top)
    pace = block.of_sets(slope.masked_fill(~first, -torch.inf), "amax", -torch.inf) - slope
    gains = block.member & ~first & (pace > 1e-12)
    overtakes = torch.where(gains, (top - logit) / torch.where(gains, pace, 1.0), torch.inf)
    return torch.where(block.member, overtakes, alone)


def _step(block: Block, eta: Tensor, blocked: Tensor, forced: Tensor) -> Tensor:
    """(P, K) the least eta (N, K) of each sample, and a little more; 0 where nothing breaks.

    What rows have no room for is left, or comes last in samples that are ``forced``, (P, K): mending one row should not
    break the next.
    """
    first = -block.most(-eta.masked_fill(blocked, torch.inf), block.entry_owner)
    first = torch.where(forced & ~torch.isfinite(first), -block.most(-eta, block.entry_owner), first)
    return torch.where(torch.isfinite(first), first * (1 + 1e-4) + 1e-9, 0.0)


def rounded(block: Block, p: Tensor) -> Tensor:
    """Entries (N, K) as they are decoded: what must be whole is 0 or 1, of a set of which one is 1 the likeliest.

    Of several that are equally likely, the first.
    """
    return torch.where(block.whole, _bits(block, p, 0.5), p)


def _bits(block: Block, score: Tensor, middle: float) -> Tensor:
    """Bits (N, K) of scores, likelihoods or logits."""
    bits = (score > middle).to(score.dtype)
    if not block.has_groups:
        return bits
    place = torch.arange(len(score), device=score.device, dtype=torch.float64)[:, None].expand_as(score)
    likeliest = score >= block.of_sets(score, "amax", -torch.inf)
    first = block.of_sets(place.masked_fill(~likeliest, torch.inf), "amin", torch.inf)
    return torch.where(block.member, (place == first).to(score.dtype), bits)
