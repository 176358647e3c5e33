"""Noise level and class as one vector."""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves


class ClassAndNoise(NoiseConditioned):
    """Sum of a noise embedding and a class embedding, (B, size).

    Args:
        classes: Number of classes; label ``classes`` is the null class of classifier-free guidance.
        size: Width of the result.
        kind: ``sinusoidal`` (Vaswani et al. 2017; geometric frequencies) or ``fourier`` (Tancik et al. 2020; random
            ones).
    """

    def __init__(self, classes: int, size: int, *, kind: str = "sinusoidal", features: int = 128) -> None:
        super().__init__()
        half = features // 2
        if kind == "sinusoidal":
            frequencies = geometric(half, 1000.0)
        elif kind == "fourier":
            frequencies = 16.0 * torch.randn(half)
        else:
            raise ValueError(f"embedding must be sinusoidal or fourier, got {kind!r}")
        self.register_buffer("frequencies", frequencies)
        self.noise = nn.Sequential(nn.Linear(features, size), nn.SiLU(), nn.Linear(size, size))
        self.label = nn.Embedding(classes + 1, size)
        nn.init.normal_(self.label.weight, std=0.02)

    def forward(self, level: NoiseLevel, labels: Tensor, x: Tensor) -> Tensor:
        embedding: Tensor = self.noise(waves(level, self.frequencies, x)) + self.label(labels)
        return embedding
