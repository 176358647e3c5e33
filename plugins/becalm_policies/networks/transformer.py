"""A transformer over the chunk: a token per action, the observations as tokens before them.

Noise level and observations together scale, shift and gate every layer, and all gates begin at 0 (adaLN-Zero, Peebles
and Xie 2023, section 3.2); what is particular to one observation is found by attention. Told both ways, observations
are learned from sooner. No action is masked: each attends to all tokens.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.layers import WAVES, silence


class Layer(nn.Module):
    """Attention and a two-layer perceptron, modulated by what is told; it begins as the identity."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )
        self.modulate = nn.Linear(width, 6 * width)
        silence(self.modulate)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulate(told)[:, None].chunk(6, dim=-1)
        batch, tokens, width = h.shape
        qkv = self.qkv(self.norm1(h) * (1 + scale1) + shift1)
        query, key, value = qkv.reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weight = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
        h = h + gate1 * self.out((weight @ value).transpose(1, 2).reshape(batch, tokens, width))
        moved: Tensor = h + gate2 * self.mlp(self.norm2(h) * (1 + scale2) + shift2)
        return moved


class Transformer(NoiseConditioned):
    """The transformer.

    Args:
        horizon: Tp, actions of a chunk. actions: A, entries of an action.
        history: To, observations. features: F, entries of one observation's features.
        width: Of a token. depth: Layers. heads: Of attention, into which the width divides. dropout: In the layers.
    """

    def __init__(
        self,
        horizon: int,
        actions: int,
        history: int,
        features: int,
        *,
        width: int,
        depth: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.noise = nn.Sequential(nn.Linear(2 * WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.summary = nn.Linear(history * features, width)
        self.observe = nn.Linear(features, width)
        self.enter = nn.Linear(actions, width)
        self.place = nn.Parameter(0.02 * torch.randn(history + horizon, width))
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = nn.Linear(width, 2 * width)
        self.leave = nn.Linear(width, actions)
        silence(self.modulate)
        silence(self.leave)
        self.register_buffer("frequencies", geometric(WAVES, 100.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The network's output, (B, Tp, A), at a scalar level or one per chunk."""
        told = F.silu(self.noise(waves(level, self.frequencies, x)) + self.summary(cond.features.flatten(1)))
        h = torch.cat([self.observe(cond.features), self.enter(x)], dim=1) + self.place
        for layer in self.layers:
            h = layer(h, told)
        scale, shift = self.modulate(told)[:, None].chunk(2, dim=-1)
        output: Tensor = self.leave(self.norm(h[:, -x.shape[1] :]) * (1 + scale) + shift)
        return output
