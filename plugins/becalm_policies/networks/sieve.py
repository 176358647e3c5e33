"""A perceptron that is told everything again at every layer (Pearce et al. 2023, the MLP sieve).

    h = g(W [x, o, t]) ;  h <- (h + g(W [h, x, o, t])) / sqrt 2  per further layer ;  output = V [h, x, o, t]

The paper repeats the action and the time, and tells the observation once; here it is repeated too. It normalises over
the batch; here each sample over its own width, so that no sample knows its neighbours.
"""

import math

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.layers import WAVES, silence


class Layer(nn.Sequential):
    """One hidden layer."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__(nn.Linear(inputs, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout))


class Sieve(NoiseConditioned):
    """The MLP sieve.

    Args:
        horizon: Tp, actions of a chunk. actions: A, entries of an action.
        history: To, observations. features: F, entries of one observation's features.
        width: Of the hidden layers. layers: Hidden layers. dropout: After each.
    """

    def __init__(
        self, horizon: int, actions: int, history: int, features: int, *, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        told = horizon * actions + history * features + 2 * WAVES
        self.first = Layer(told, width, dropout)
        self.layers = nn.ModuleList(Layer(width + told, width, dropout) for _ in range(layers - 1))
        self.last = nn.Linear(width + told, horizon * actions)
        silence(self.last)
        self.register_buffer("frequencies", geometric(WAVES, 100.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The network's output, (B, Tp, A), at a scalar level or one per chunk."""
        time = waves(level, self.frequencies, x).expand(len(x), -1)
        told = torch.cat([x.flatten(1), cond.features.flatten(1), time], dim=1)
        h = self.first(told)
        for layer in self.layers:
            h = (h + layer(torch.cat([h, told], dim=1))) / math.sqrt(2.0)
        output: Tensor = self.last(torch.cat([h, told], dim=1))
        return output.reshape(x.shape)
