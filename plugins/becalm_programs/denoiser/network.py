"""A bipartite graph network over entries and rows: which row holds which entry is the graph, so it fits any program.

    rows     h_c = silu(A W h_v + U [features, slack])
    entries  h_v <- h_v + MLP [h_v, A^T h_c]

What each row comes to under the present x is given, or the network would have to count for itself. Permuting
entries or rows permutes its output (Gasse et al. 2019 have the same graph for branching).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import FEATURES, ROW_FEATURES

_WAVES = 8
_STATE = 4
LLR_LIMIT = 4.0
"""Where a log-likelihood ratio stops to count: beyond, it would drown what the program says, which guidance goes by."""
_STEEP = 1e4
_SHARP = 4.0


class Round(nn.Module):
    """One round of messages: entries to rows and back.

    There are more rows than entries in many programs, so a row does one product of matrices only.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, width, bias=False)
        self.state = nn.Linear(ROW_FEATURES + _STATE, width)
        self.up = nn.LayerNorm(width)
        self.first = nn.Linear(2 * width, width)
        self.second = nn.Linear(width, width)

    def forward(self, block: BlockDiagonal, h: Tensor, state: Tensor) -> Tensor:
        """The change of entries (N, K, width), given features and slack of rows, (M, K, ROW_FEATURES + STATE)."""
        inner = self.norm(h)
        rows = F.silu(block.down(self.down(inner)) + self.state(state))
        heard = self.up(_narrowed(block.up(rows), self.up.weight))
        output: Tensor = self.second(F.silu(self.first(torch.cat([inner, heard], dim=-1))))
        return output


def _narrowed(x: Tensor, weight: Tensor) -> Tensor:
    """x in the dtype of weights that are narrower, which a norm cannot mix; products with the program are float32."""
    return x.to(weight.dtype) if weight.dtype.itemsize < x.dtype.itemsize else x


class Bipartite(NoiseConditioned):
    """The network; its output is an estimate of x0 in (-1, 1).

    Args:
        width: Of what entries and rows hold. rounds: Of messages to rows and back.
    """

    def __init__(self, *, width: int, rounds: int) -> None:
        super().__init__()
        self.enter = nn.Linear(FEATURES + 2 + 2 * _WAVES, width)
        self.rounds = nn.ModuleList(Round(width) for _ in range(rounds))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.register_buffer("frequencies", geometric(_WAVES, 50.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """Estimates, of x's shape (rows,)."""
        time = waves(level, self.frequencies, x).expand(len(x), -1)
        return cond.map(self.block, x, log_likelihood_ratio(x, level), time)

    def block(self, block: BlockDiagonal, x: Tensor, ratio: Tensor, time: Tensor) -> Tensor:
        """Estimates (N, K) for x and its log-likelihood ratios, both (N, K), and time (N, K, waves)."""
        count = x.shape[1]
        features = block.features[:, None].expand(-1, count, -1)
        row_features = block.row_features[:, None].expand(-1, count, -1)
        likely = torch.tanh(ratio / 2)
        h = self.enter(torch.cat([features, torch.stack([x, likely], dim=-1), time], dim=-1))
        # Rows see their activities through the noise.
        state = torch.cat([row_features, slack(block, block.down((1 + likely) / 2))], dim=-1)
        for change in self.rounds:
            h = h + change(block, h, state)
        return posterior_mean(block, self.leave(h)[..., 0] + ratio.clamp(-LLR_LIMIT, LLR_LIMIT))


def log_likelihood_ratio(x: Tensor, level: NoiseLevel) -> Tensor:
    """What each entry of x says of itself: log p(x | 1) - log p(x | -1) = 2 alpha x / sigma^2, of x's shape.

    By Bayes' rule a bit's logit is this plus what the other entries and the program say, so the network is left with
    the rest.
    """
    level = level.to(x)
    return (2 * level.alpha / level.sigma**2).clamp(max=_STEEP) * x


def slack(block: BlockDiagonal, activity: Tensor) -> Tensor:
    """Slack to the low and the high bound of rows (M, K), and both squashed, (M, K, 4); 0 where there is no bound."""
    below = (activity - block.low[:, None]).masked_fill(torch.isinf(block.low)[:, None], 0.0)
    above = (block.high[:, None] - activity).masked_fill(torch.isinf(block.high)[:, None], 0.0)
    return torch.stack([below, above, torch.tanh(_SHARP * below), torch.tanh(_SHARP * above)], dim=-1)


def posterior_mean(block: BlockDiagonal, logit: Tensor) -> Tensor:
    """E[x0] in (-1, 1) of logits (N, K): of a set of which exactly one entry is 1, by a softmax; else each its own."""
    alone = torch.tanh(logit / 2)
    if not block.has_groups:
        return alone
    below = logit - block.of_sets(logit.detach(), "amax", -torch.inf)
    exp = torch.exp(below.masked_fill(~block.member, -torch.inf))
    soft = exp / block.of_sets(exp, "sum", 0.0).clamp(min=1e-30)
    return torch.where(block.member, 2 * soft - 1, alone)


shares = posterior_mean
"""Its name in becalm_programs 0.1."""
