"""A bipartite graph network over entries and rows: which row holds which entry is the graph, so it fits any program.

    rows     h_c = silu(A W h_v + U [sides, slack])
    entries  h_v <- h_v + MLP [h_v, A^T h_c]

It is told what each row comes to under the present x, without which it would have to count for itself. Permuting
entries or rows permutes its output (Gasse et al. 2019 have the same graph for branching).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.level import NoiseLevel
from becalm.network.embedding import geometric, waves
from becalm_programs.problem.batch import Block, Programs
from becalm_programs.problem.standard_form import FEATURES, SIDES

_WAVES = 8
_STATE = 4
SURE = 4.0
"""Where evidence stops to count: beyond, it would drown what the program says, by which guidance chooses."""
_STEEP = 1e4
_SHARP = 4.0


def excess(block: Block, activity: Tensor) -> Tensor:
    """By how much rows (M, K) leave their sides: above 0 over the high one, below 0 under the low one."""
    return F.relu(activity - block.high[:, None]) - F.relu(block.low[:, None] - activity)


class Round(nn.Module):
    """One round of messages: entries to rows and back.

    There are more rows than entries in many programs, so a row does one product of matrices only.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, width, bias=False)
        self.state = nn.Linear(SIDES + _STATE, width)
        self.up = nn.LayerNorm(width)
        self.first = nn.Linear(2 * width, width)
        self.second = nn.Linear(width, width)

    def forward(self, block: Block, h: Tensor, told: Tensor) -> Tensor:
        """The change of entries (N, K, width), given what rows are told, (M, K, SIDES + STATE)."""
        inner = self.norm(h)
        rows = F.silu(block.down(self.down(inner)) + self.state(told))
        heard = self.up(block.up(rows))
        output: Tensor = self.second(F.silu(self.first(torch.cat([inner, heard], dim=-1))))
        return output


class Bipartite(nn.Module):
    """The network; its output is an estimate of x0 in (-1, 1).

    Args:
        width: Of what entries and rows hold. rounds: Of messages to rows and back.
    """

    frequencies: Tensor

    def __init__(self, *, width: int, rounds: int) -> None:
        super().__init__()
        self.enter = nn.Linear(FEATURES + 2 + 2 * _WAVES, width)
        self.rounds = nn.ModuleList(Round(width) for _ in range(rounds))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.register_buffer("frequencies", geometric(_WAVES, 50.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
        """Estimates, of x's shape (rows,)."""
        time = waves(level, self.frequencies, x)
        alone = evidence(x, level)
        outputs = []
        for block, part in cond.parts():
            told = time.expand(block.rows, -1) if len(time) == 1 else time[part]
            outputs.append(
                block.scatter(self.block(block, block.gather(x[part]), block.gather(alone[part]), block.gather(told)))
            )
        return torch.cat(outputs)

    def block(self, block: Block, x: Tensor, alone: Tensor, time: Tensor) -> Tensor:
        """Estimates (N, K) for x and its evidence, both (N, K), and time (N, K, waves)."""
        count = x.shape[1]
        entries = block.entries[:, None].expand(-1, count, -1)
        sides = block.sides[:, None].expand(-1, count, -1)
        likely = torch.tanh(alone / 2)
        h = self.enter(torch.cat([entries, torch.stack([x, likely], dim=-1), time], dim=-1))
        # Rows see their activities through the noise.
        told = torch.cat([sides, slack(block, block.down((1 + likely) / 2))], dim=-1)
        for change in self.rounds:
            h = h + change(block, h, told)
        return shares(block, self.leave(h)[..., 0] + alone.clamp(-SURE, SURE))


def evidence(x: Tensor, level: NoiseLevel) -> Tensor:
    """What each entry of x says of itself alone: log p(x | 1) - log p(x | -1) = 2 alpha x / sigma^2, of x's shape.

    By Bayes' rule a bit's logit is this plus what the other entries and the program say, so the network is left with
    the rest.
    """
    return (2 * level.alpha / level.sigma**2).clamp(max=_STEEP).to(x) * x


def slack(block: Block, activity: Tensor) -> Tensor:
    """Room to the low and the high side of rows (M, K), and both squashed, (M, K, 4); 0 where there is no side."""
    below = (activity - block.low[:, None]).masked_fill(torch.isinf(block.low)[:, None], 0.0)
    above = (block.high[:, None] - activity).masked_fill(torch.isinf(block.high)[:, None], 0.0)
    return torch.stack([below, above, torch.tanh(_SHARP * below), torch.tanh(_SHARP * above)], dim=-1)


def shares(block: Block, logit: Tensor) -> Tensor:
    """Logits (N, K) as estimates in (-1, 1): of a set of which exactly one entry is 1, a softmax; else each its own."""
    alone = torch.tanh(logit / 2)
    if not block.has_groups:
        return alone
    below = logit - block.of_sets(logit.detach(), "amax", -torch.inf)
    exp = torch.exp(below.masked_fill(~block.member, -torch.inf))
    soft = exp / block.of_sets(exp, "sum", 0.0).clamp(min=1e-30)
    return torch.where(block.member, 2 * soft - 1, alone)
