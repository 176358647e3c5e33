"""The constraint step where entries are rounded: break after break until rows hold, then down the cost, then shaken.

What is looked for is what the entries are decoded to, so violations are those of 0 and 1. The step leads just past the
next break, where rounding changes first: what is least sure for what it mends. Where all rows hold, the same step goes
down the cost as far as rows have room. Where that ends, of the entries whose flip would lower the cost one that has
not been tried is flipped and held, rows are mended around it, and what comes of it is taken if it is better and taken
back if not (iterated local search, Lourenco et al. 2003). Where only rising entries lower the cost, some more than
others, it is the one for which the least would have to give way; else it is the least sure.

Of each sample the best on the way is kept. Samples do not see each other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from becalm_programs.denoiser.network import excess
from becalm_programs.problem.batch import Block

HELD = 1e-6
"""A row of unit length that is missed by no more than this holds."""
GROWTH = 0.05
_FAR = 1e6
"""More than any cost: what has no violation is better than what has."""
_MEND = 40
"""Steps for rows to hold again after a flip."""
_FIRM = 50.0
"""Logit of an entry that is held."""
_LESS = 1e-7
"""What is better by no more than this is not better."""


@dataclass(slots=True, eq=False)
class _Walk:
    """Samples on the way; what stands for a program and sample is (P, K).

    Attributes:
        logit: (N, K) now. price: (M, K) weights of rows.
        best: (N, K) entries of the best so far. least: (P, K) its worth: violation, or cost less ``_FAR``.
        kept: (N, K) its logits. tried: (N, K) how often each entry was flipped to shake it.
        idle: (P, K) steps since. age: (P, K) steps since the last shake.
    """

    logit: Tensor
    price: Tensor
    best: Tensor
    least: Tensor
    kept: Tensor
    tried: Tensor
    idle: Tensor
    age: Tensor

    @classmethod
    def start(cls, block: Block, logit: Tensor) -> "_Walk":
        price = torch.ones_like(logit[:1]).expand(len(block.low), -1)
        least = torch.full_like(logit[: block.programs], torch.inf, dtype=torch.float64)
        none, idle = torch.zeros_like(logit), torch.zeros_like(least)
        return cls(logit, price, logit, least, logit, none, idle, idle)

    def only(self, columns: Tensor) -> "_Walk":
        """Some of the samples."""
        return _Walk(*(getattr(self, name)[:, columns] for name in self.__dataclass_fields__))

    @property
    def found(self) -> Tensor:
        """(P, K) where all rows held at some time."""
        return self.least < -_FAR / 2


def settled(block: Block, logit: Tensor, steps: int, *, descend: bool, patience: int) -> Tensor:
    """Entries (N, K) as decoded, after at most so many steps; of each sample the best on the way.

    Of what is rounded, the best is the least violated, and of those without violation the one of least cost.

    Args:
        logit: (N, K).
        descend: Go on down the cost where all rows hold.
        patience: Steps without anything better after which a feasible sample is left.
    """
    ended, columns = torch.empty_like(logit), torch.arange(logit.shape[1], device=logit.device)
    walk = _Walk.start(block, logit)
    for _ in range(steps + 1):
        going = _step(block, walk, descend, patience)
        if not bool(going.all()):
            # What has come to its end costs no more time.
            ended[:, columns[~going]] = walk.best[:, ~going]
            walk, columns = walk.only(going), columns[going]
            if not len(columns):
                break
    ended[:, columns] = walk.best
    return ended


def _step(block: Block, walk: _Walk, descend: bool, patience: int) -> Tensor:
    """One step of a walk, in place; which samples (K,) go on."""
    # From logits, as their likelihoods would be a tie close to one half.
    p = torch.where(block.whole, bits(block, walk.logit, 0.0), torch.sigmoid(walk.logit))
    activity = block.down(p)
    over = excess(block, activity)
    wrong = over.abs() > HELD
    violation = block.sums(torch.where(wrong, over.abs(), 0.0), block.row_owner)
    fine = violation == 0
    _judged(block, walk, p, violation)
    live = ~walk.found | (descend & (walk.idle <= patience))
    walk.price = walk.price + GROWTH * wrong
    room = block.held(activity)
    mending = block.up(walk.price * over)
    slope = torch.where(block.per_sample(fine), _downhill(block, *room), mending)
    eta = live * _nearest(block, breaks(block, walk.logit, slope), torch.where(p > 0.5, *room), ~fine)
    walk.logit = walk.logit - block.per_sample(eta) * slope
    walk.age = walk.age + 1
    stuck = (fine & (eta == 0)) | (~fine & (walk.age > _MEND))
    shaken = live & descend & walk.found & stuck
    if bool(shaken.any()):
        shaken = _shake(block, walk, shaken)
    return ((eta > 0) | shaken).any(0)


def _judged(block: Block, walk: _Walk, p: Tensor, violation: Tensor) -> None:
    """Keeps entries p (N, K) where they are better."""
    spent = block.sums(block.cost[:, None] * p, block.entry_owner)
    worth = torch.where(violation > 0, violation.double(), spent.double() - _FAR)
    better = worth < walk.least - _LESS
    here = block.per_sample(better)
    walk.best = torch.where(here, p, walk.best)
    walk.kept = torch.where(here, walk.logit, walk.kept)
    walk.tried = walk.tried.masked_fill(here, 0.0)
    walk.least = torch.where(better, worth, walk.least)
    walk.idle = torch.where(better, 0, walk.idle + 1)


def _shake(block: Block, walk: _Walk, chosen: Tensor) -> Tensor:
    """From the best of the samples chosen, (P, K), flips an entry that would lower the cost; where there was one.

    The least often tried, of these the one that loses least or is the least sure, of these the first.
    """
    here = block.per_sample(chosen)
    walk.logit = torch.where(here, walk.kept, walk.logit)
    eta = breaks(block, walk.logit, block.cost[:, None].expand_as(walk.logit))
    can = here & torch.isfinite(eta)
    for score in (walk.tried, hopes(block, walk.logit, eta), _places(eta)):
        score = score.masked_fill(~can, torch.inf)
        can = can & (score <= block.per_sample(-block.most(-score, block.entry_owner)))
    firm = torch.full_like(walk.logit, _FIRM)
    if block.has_groups:
        firm = torch.where(block.member, block.of_sets(walk.logit, "amax", -torch.inf) + _FIRM, firm)
    walk.logit = torch.where(can, torch.where(~block.member & (walk.logit > 0), -firm, firm), walk.logit)
    walk.tried = walk.tried + can
    anew = chosen[block.row_owner] if block.programs > 1 else chosen
    walk.price = torch.where(anew, 1.0, walk.price)
    walk.age = torch.where(chosen, 0, walk.age)
    return block.most(can.float(), block.entry_owner) > 0


def hopes(block: Block, logit: Tensor, eta: Tensor) -> Tensor:
    """In which order (N, K) entries are flipped, the least first: by eta, or by what a flip loses.

    In programs where only rising entries lower the cost, some more than others, an entry loses what stands in its way,
    less what it gains. What stands in its way is what is 1 in its rows without room. Who does so in several rows is
    counted in each, so its gain is divided by the root of the number of its rows.
    """
    cost = block.cost[:, None]
    dearest, least = block.most(cost, block.entry_owner), -block.most(-cost, block.entry_owner)
    rising = (dearest <= 0) & (least < dearest)
    if not bool(rising.any()):
        return eta
    p = bits(block, logit, 0.0)
    gain = -cost * p / block.degree.clamp(min=1).sqrt()
    activity = block.down(p)
    usual = block.margin.clamp(min=1e-12)
    mean = torch.where(block.full(activity), block.down(gain) / torch.maximum(activity, usual / 2), 0.0)
    loses = block.up(mean / usual) + cost
    return torch.where(block.per_sample(rising.expand(-1, logit.shape[1])), loses, eta)


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


def _nearest(block: Block, eta: Tensor, blocked: Tensor, forced: Tensor) -> Tensor:
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
    return torch.where(block.whole, bits(block, p, 0.5), p)


def bits(block: Block, score: Tensor, middle: float) -> Tensor:
    """Bits (N, K) of scores, likelihoods or logits."""
    made = (score > middle).to(score.dtype)
    if not block.has_groups:
        return made
    likeliest = score >= block.of_sets(score, "amax", -torch.inf)
    place = _places(score)
    first = block.of_sets(place.masked_fill(~likeliest, torch.inf), "amin", torch.inf)
    return torch.where(block.member, (place == first).to(score.dtype), made)


def _places(values: Tensor) -> Tensor:
    """(N, K) number of each entry, in float64, which holds them all."""
    return torch.arange(len(values), device=values.device, dtype=torch.float64)[:, None].expand_as(values)
