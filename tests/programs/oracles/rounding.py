"""The rounding search in torch, all samples of a block side by side: what the compiled one is held to.

It computes anew in each step what the other keeps up to date. In float64 both see the same numbers, but for the order
of sums.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from becalm_programs.problem.block import HELD, BlockDiagonal
from becalm_programs.problem.rounding import positions, round_scores

_GROWTH = 0.05
"""What a violated row's weight grows by in a step."""
_FAR = 1e6
"""More than any cost: what has no violation is better than what has."""
_MEND = 40
"""Steps for rows to hold again after a flip."""
_FIRM = 50.0
"""Logit of an entry that is held."""
_LESS = 1e-7
"""What is better by no more than this is not better."""
_SOME = 1e-9
"""Sums of coefficients that are no larger are nothing but rounding."""
_LARGEST = 1e9
"""Size of a logit beyond which it stays; of one that need not be whole, ``_FIRM``."""


def in_double(block: BlockDiagonal) -> BlockDiagonal:
    """The block in float64."""
    parts = {each.name: getattr(block, each.name) for each in fields(block)}
    floats = {name: part for name, part in parts.items() if isinstance(part, Tensor) and part.is_floating_point()}
    return replace(block, **{name: part.double() for name, part in floats.items()})


def degree(block: BlockDiagonal) -> Tensor:
    """(N, 1) in how many rows an entry stands."""
    return block.transposed.crow_indices().diff()[:, None].to(block.cost.dtype)


def margin(block: BlockDiagonal) -> Tensor:
    """(M, 1) mean size of the coefficients of each row."""
    sizes = block.matrix.crow_indices().diff()
    owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    values = block.matrix.values().abs()
    return (values.new_zeros(len(sizes)).index_add(0, owner, values) / sizes.clamp(min=1))[:, None]


def _of_sets(block: BlockDiagonal) -> Tensor:
    """(M, 1) which rows say of a set of entries that one is 1: these hold whatever happens within the set."""
    rows = torch.zeros(len(block.low), dtype=torch.bool)
    rows[block.group[block.group >= 0]] = True
    return rows[:, None]


def blocked(block: BlockDiagonal, activity: Tensor) -> tuple[Tensor, Tensor]:
    """Which entries (N, K) rows have no slack to lower, and which none to raise, by a flip of mean size."""
    bare = (activity - block.low[:, None] < margin(block) * (1 - 1e-4)) & ~_of_sets(block)
    above = block.up(full(block, activity).to(activity.dtype))
    below = block.up(bare.to(activity.dtype))
    return (below > _SOME) | (above < -_SOME), (above > _SOME) | (below < -_SOME)


def full(block: BlockDiagonal, activity: Tensor) -> Tensor:
    """Which rows (M, K) have no slack above for a flip of mean size."""
    return (block.high[:, None] - activity < margin(block) * (1 - 1e-4)) & ~_of_sets(block)


@dataclass(slots=True, eq=False)
class _State:
    """Where the search of each sample is; what stands for a program and sample is (P, K).

    Attributes:
        logit: (N, K) now. row_weight: (M, K).
        best: (N, K) entries of the best so far. value: (P, K) of it: violation, or cost less ``_FAR``.
        best_logit: (N, K) its logits. tries: (N, K) how often each entry was flipped to perturb it.
        idle: (P, K) steps since. age: (P, K) steps since the last perturbation.
    """

    logit: Tensor
    row_weight: Tensor
    best: Tensor
    value: Tensor
    best_logit: Tensor
    tries: Tensor
    idle: Tensor
    age: Tensor

    @classmethod
    def start(cls, block: BlockDiagonal, logit: Tensor) -> "_State":
        row_weight = torch.ones_like(logit[:1]).expand(len(block.low), -1)
        value = torch.full_like(logit[: block.programs], torch.inf, dtype=torch.float64)
        none, idle = torch.zeros_like(logit), torch.zeros_like(value)
        return cls(logit, row_weight, logit, value, logit, none, idle, idle)

    def only(self, columns: Tensor) -> "_State":
        """Some of the samples."""
        return _State(*(getattr(self, name)[:, columns] for name in self.__dataclass_fields__))

    @property
    def feasible(self) -> Tensor:
        """(P, K) where all rows held at some time."""
        return self.value < -_FAR / 2


def rounding_search(
    block: BlockDiagonal, logit: Tensor, steps: int, *, descend: bool, patience: int, bulk: int = 256
) -> Tensor:
    """Entries (N, K) as decoded, after at most so many steps; of each sample the best on the way.

    Of what is rounded, the best is the least violated, and of those without violation the one of least cost.

    Args:
        logit: (N, K).
        descend: Go on down the cost where all rows hold.
        patience: Steps without anything better after which a feasible sample is left.
        bulk: Violated rows for each entry that a step flips; with fewer it flips one.
    """
    ended, columns = torch.empty_like(logit), torch.arange(logit.shape[1], device=logit.device)
    state = _State.start(block, logit)
    for _ in range(steps + 1):
        going = _step(block, state, descend, patience, bulk)
        if not bool(going.all()):
            # What has come to its end costs no more time.
            ended[:, columns[~going]] = state.best[:, ~going]
            state, columns = state.only(going), columns[going]
            if not len(columns):
                break
    ended[:, columns] = state.best
    return ended


def _step(block: BlockDiagonal, state: _State, descend: bool, patience: int, bulk: int) -> Tensor:
    """One step, in place; which samples (K,) go on."""
    # From logits, as their likelihoods would be a tie close to one half.
    p = torch.where(block.whole, round_scores(block, state.logit, 0.0), torch.sigmoid(state.logit))
    activity = block.down(p)
    over = block.violation(activity)
    violated = over.abs() > HELD
    over = torch.where(violated, over, 0.0)
    violation = block.sums(over.abs(), block.row_owner)
    feasible = violation == 0
    _keep_best(block, state, p, violation)
    live = ~state.feasible | (descend & (state.idle <= patience))
    state.row_weight = state.row_weight + _GROWTH * violated
    held = blocked(block, activity)
    mending = block.up(state.row_weight * over)
    slope = torch.where(block.per_sample(feasible), _downhill(block, *held), mending)
    near, stay = breakpoints(block, state.logit, slope), torch.where(p > 0.5, *held)
    count = block.sums(violated.double(), block.row_owner)
    several = _several(block, near.masked_fill(stay, torch.inf), (count // bulk).long())
    eta = live * torch.where(several > 0, several, _nearest(block, near, stay, forced=~feasible))
    largest = torch.where(block.whole, _LARGEST, _FIRM)
    state.logit = torch.clamp(state.logit - block.per_sample(eta) * slope, -largest, largest)
    state.age = state.age + 1
    stuck = (feasible & (eta == 0)) | (~feasible & (state.age > _MEND))
    perturbed = live & descend & state.feasible & stuck
    if bool(perturbed.any()):
        perturbed = _perturb(block, state, perturbed)
    return ((eta > 0) | perturbed).any(0)


def _keep_best(block: BlockDiagonal, state: _State, p: Tensor, violation: Tensor) -> None:
    """Keeps entries p (N, K) where they are better."""
    cost = block.sums(block.cost[:, None] * p, block.entry_owner)
    value = torch.where(violation > 0, violation.double(), cost.double() - _FAR)
    better = value < state.value - _LESS
    here = block.per_sample(better)
    state.best = torch.where(here, p, state.best)
    state.best_logit = torch.where(here, state.logit, state.best_logit)
    state.tries = state.tries.masked_fill(here, 0.0)
    state.value = torch.where(better, value, state.value)
    state.idle = torch.where(better, 0, state.idle + 1)


def _perturb(block: BlockDiagonal, state: _State, chosen: Tensor) -> Tensor:
    """From the best of the samples chosen, (P, K), flips an entry that would lower the cost; where there was one.

    The least often tried, of these the one that loses least or is the least sure, of these the first.
    """
    here = block.per_sample(chosen)
    state.logit = torch.where(here, state.best_logit, state.logit)
    eta = breakpoints(block, state.logit, block.cost[:, None].expand_as(state.logit))
    can = here & torch.isfinite(eta)
    for score in (state.tries, move_scores(block, state.logit, eta), positions(eta)):
        score = score.masked_fill(~can, torch.inf)
        can = can & (score <= block.per_sample(-block.most(-score, block.entry_owner)))
    firm = torch.full_like(state.logit, _FIRM)
    if block.has_groups:
        firm = torch.where(block.member, block.of_sets(state.logit, "amax", -torch.inf) + _FIRM, firm)
    state.logit = torch.where(can, torch.where(~block.member & (state.logit > 0), -firm, firm), state.logit)
    state.tries = state.tries + can
    anew = chosen[block.row_owner] if block.programs > 1 else chosen
    state.row_weight = torch.where(anew, 1.0, state.row_weight)
    state.age = torch.where(chosen, 0, state.age)
    return block.most(can.float(), block.entry_owner) > 0


def move_scores(block: BlockDiagonal, logit: Tensor, eta: Tensor) -> Tensor:
    """In which order (N, K) entries are flipped, the least first: by eta, or by what a flip loses.

    In programs where only rising entries lower the cost, some more than others, an entry loses what stands in its way,
    less what it gains. What stands in its way is what is 1 in its rows without slack. Who does so in several rows is
    counted in each, so its gain is divided by the root of the number of its rows.
    """
    cost = block.cost[:, None]
    dearest, least = block.most(cost, block.entry_owner), -block.most(-cost, block.entry_owner)
    rising = (dearest <= 0) & (least < dearest)
    if not bool(rising.any()):
        return eta
    p = torch.where(block.whole, round_scores(block, logit, 0.0), torch.sigmoid(logit))
    gain = -cost * p / degree(block).clamp(min=1).sqrt()
    activity = block.down(p)
    flip = margin(block).clamp(min=1e-12)
    mean = torch.where(full(block, activity), block.down(gain) / torch.maximum(activity, flip / 2), 0.0)
    loss = block.up(mean / flip) + cost
    return torch.where(block.per_sample(rising.expand(-1, logit.shape[1])), loss, eta)


def _downhill(block: BlockDiagonal, low: Tensor, high: Tensor) -> Tensor:
    """The cost (N, K), 0 for entries that rows without slack hold where they are: not lower, not higher."""
    cost = block.cost[:, None]
    return torch.where((low & (cost > 0)) | (high & (cost < 0)), 0.0, cost)


def breakpoints(block: BlockDiagonal, logit: Tensor, slope: Tensor) -> Tensor:
    """The eta (N, K) from which on an entry of logit - eta slope is rounded otherwise; inf where it never is.

    What need not be whole is not rounded.
    An entry of a set of which one is 1 changes where it overtakes the set's likeliest.
    """
    on = logit > 0
    falls, rises = block.whole & on & (slope > 0), block.whole & ~on & (slope < 0)
    alone = torch.where(falls | rises, logit / torch.where(falls | rises, slope, 1.0), torch.inf)
    if not block.has_groups:
        return alone
    top = block.of_sets(logit, "amax", -torch.inf)
    first = block.member & (logit >= top)
    pace = block.of_sets(slope.masked_fill(~first, -torch.inf), "amax", -torch.inf) - slope
    gains = block.member & ~first & (pace > 1e-12)
    overtakes = torch.where(gains, (top - logit) / torch.where(gains, pace, 1.0), torch.inf)
    return torch.where(block.member, overtakes, alone)


def _several(block: BlockDiagonal, eta: Tensor, count: Tensor) -> Tensor:
    """(P, K) the eta (N, K) of each sample that comes as its ``count``th, and a little more; 0 for fewer than two."""
    ranked = torch.zeros_like(count, dtype=eta.dtype)
    for program in range(block.programs):
        for sample in range(eta.shape[1]):
            own = eta[block.entry_owner == program, sample]
            own = own[torch.isfinite(own)].sort().values
            if count[program, sample] > 1 and len(own):
                ranked[program, sample] = own[min(int(count[program, sample]), len(own)) - 1] * (1 + 1e-4) + 1e-9
    return ranked


def _nearest(block: BlockDiagonal, eta: Tensor, blocked: Tensor, *, forced: Tensor) -> Tensor:
    """(P, K) the least eta (N, K) of each sample, and a little more; 0 where nothing breaks.

    What rows have no slack for is left, or comes last in samples that are ``forced``, (P, K): mending one row should
    not break the next.
    """
    first = -block.most(-eta.masked_fill(blocked, torch.inf), block.entry_owner)
    first = torch.where(forced & ~torch.isfinite(first), -block.most(-eta, block.entry_owner), first)
    return torch.where(torch.isfinite(first), first * (1 + 1e-4) + 1e-9, 0.0)
