"""A residual perceptron over the whole chunk: the quickest network on a CPU, where a chunk is a few dozen numbers.

h = W [x, features, level] ;  h <- h + B silu(A norm(h))  per block ;  output = V norm(h)
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.layers import WAVES, silence


class Residual(nn.Module):
    """One block; it begins as the identity."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        self.dropout = dropout
        silence(self.outer)

    def forward(self, h: Tensor) -> Tensor:
        inner = F.silu(self.inner(self.norm(h)))
        if self.dropout and self.training:
            inner = F.dropout(inner, self.dropout)
        output: Tensor = h + self.outer(inner)
        return output


class MLP(NoiseConditioned):
    """The residual perceptron.

    Args:
        horizon: Tp, actions of a chunk. actions: A, entries of an action.
        history: To, observations. features: F, entries of one observation's features.
        width: Of the hidden layers. blocks: Residual blocks. dropout: Within them.
        octaves: How many octaves of waves of x stand beside it: perceptrons are slow to learn sharp edges from x alone
            (Tancik et al. 2020).
    """

    def __init__(
        self,
        horizon: int,
        actions: int,
        history: int,
        features: int,
        *,
        width: int,
        blocks: int,
        dropout: float,
        octaves: int,
    ) -> None:
        super().__init__()
        self.octaves = octaves
        self.first = nn.Linear((1 + 2 * octaves) * horizon * actions + history * features + 2 * WAVES, width)
        self.blocks = nn.ModuleList(Residual(width, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, horizon * actions)
        silence(self.last)
        self.register_buffer("frequencies", geometric(WAVES, 100.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        time = waves(level, self.frequencies, x).expand(len(x), -1)
        seen = [x.flatten(1)]
        for octave in range(self.octaves):
            phase = seen[0] * (math.pi * 2.0**octave)
            seen += [phase.sin(), phase.cos()]
        h = self.first(torch.cat([*seen, cond.features.flatten(1), time], dim=1))
        for block in self.blocks:
            h = block(h)
        output: Tensor = self.last(self.norm(h))
        return output.reshape(x.shape)
