"""A bipartite graph network over entries and rows: which row holds which entry is the graph, so it fits any program.

    rows     h_c <- h_c + MLP [h_c, A h_v, violation, activity]
    entries  h_v <- h_v + MLP [h_v, A^T h_c]

It is told what each row comes to under the present x, without which it would have to count for itself. Permuting
entries or rows permutes its output (Gasse et al. 2019 have the same graph for branching).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.embedding import geometric, waves
from becalm.level import NoiseLevel
from becalm_programs.condition import Block, Programs
from becalm_programs.relation import FEATURES, SIDES

_WAVES = 8


def excess(block: Block, activity: Tensor) -> Tensor:
    """By how much rows (M, K) leave their sides: above 0 over the high one, below 0 under the low one."""
    return F.relu(activity - block.high[:, None]) - F.relu(block.low[:, None] - activity)


class Message(nn.Module):
    """A two-layer perceptron on a normalised input."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.first = nn.Linear(inputs, width)
        self.second = nn.Linear(width, width)

    def forward(self, *parts: Tensor) -> Tensor:
        output: Tensor = self.second(F.silu(self.first(self.norm(torch.cat(parts, dim=-1)))))
        return output


class Bipartite(nn.Module):
    """The network; its output is an estimate of x0 in (-1, 1).

    Args:
        width: Of what entries and rows hold. rounds: Of messages to rows and back.
    """

    frequencies: Tensor

    def __init__(self, *, width: int, rounds: int) -> None:
        super().__init__()
        self.enter = nn.Linear(FEATURES + 1 + 2 * _WAVES, width)
        self.sides = nn.Linear(SIDES + 2, width)
        self.to_rows = nn.ModuleList(Message(2 * width + 2, width) for _ in range(rounds))
        self.to_entries = nn.ModuleList(Message(2 * width, width) for _ in range(rounds))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.register_buffer("frequencies", geometric(_WAVES, 50.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Programs) -> Tensor:
        """Estimates, of x's shape (rows,)."""
        time = waves(level, self.frequencies, x)
        outputs, start = [], 0
        for block in cond.blocks:
            part = slice(start, start + block.rows)
            start += block.rows
            told = time.expand(block.rows, -1) if len(time) == 1 else time[part]
            outputs.append(block.scatter(self.block(block, block.gather(x[part]), _spread(block, told))))
        return torch.cat(outputs)

    def block(self, block: Block, x: Tensor, time: Tensor) -> Tensor:
        """Estimates (N, K) for x (N, K) and time (N, K, waves)."""
        count = x.shape[1]
        told = block.entries[:, None].expand(-1, count, -1)
        h = self.enter(torch.cat([told, x[..., None], time], dim=-1))
        activity = block.down((1 + x) / 2)
        state = torch.stack([activity, excess(block, activity)], dim=-1)
        sides = block.sides[:, None].expand(-1, count, -1)
        rows = self.sides(torch.cat([sides, state], dim=-1))
        for down, up in zip(self.to_rows, self.to_entries, strict=True):
            rows = rows + down(rows, block.down(h), state)
            h = h + up(h, block.up(rows))
        logit = self.leave(h)[..., 0]
        return shares(block, logit)


def shares(block: Block, logit: Tensor) -> Tensor:
    """Logits (N, K) as estimates in (-1, 1): of a set of which exactly one entry is 1, a softmax; else each its own."""
    alone = torch.tanh(logit / 2)
    member = block.group >= 0
    if not bool(member.any()):
        return alone
    number = block.group.clamp(min=0)[:, None].expand_as(logit)
    size = int(block.group.max()) + 1
    top = torch.full((size, logit.shape[1]), -torch.inf, device=logit.device, dtype=logit.dtype)
    top = top.scatter_reduce(0, number, logit.detach(), "amax")
    below = (logit - top.gather(0, number)).masked_fill(~member[:, None], -torch.inf)
    exp = torch.exp(below)
    total = torch.zeros(size, logit.shape[1], device=logit.device, dtype=logit.dtype).scatter_add(0, number, exp)
    soft = exp / total.gather(0, number).clamp(min=1e-30)
    return torch.where(member[:, None], 2 * soft - 1, alone)


def _spread(block: Block, time: Tensor) -> Tensor:
    """(rows, waves) in the order of x as (N, K, waves)."""
    parts = time.split([size * block.count for size in block.sizes])
    return torch.cat(
        [part.reshape(block.count, size, -1).transpose(0, 1) for part, size in zip(parts, block.sizes, strict=True)]
    )
