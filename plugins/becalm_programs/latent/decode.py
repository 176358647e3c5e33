"""BinaryEncoding read from a solution's embedding, in the light of what the program says of each entry."""

import torch
from torch import Tensor, nn

from becalm_programs.denoiser.network import posterior_mean
from becalm_programs.latent.embed import perceptron
from becalm_programs.problem.block import BlockDiagonal


class Decoder(nn.Module):
    """(features of an entry, its embedding) to the entry, in (-1, 1); of a set of which one is 1, a softmax.

    Args:
        width: Of the program's features. dimension: Of the embedding.
    """

    def __init__(self, *, width: int, dimension: int) -> None:
        super().__init__()
        self.layers = perceptron(width + dimension, width, width, 1)

    def forward(self, block: BlockDiagonal, features: Tensor, z: Tensor) -> Tensor:
        """Entries (N, K).

        Args:
            features: (N, 1, width) of the program. z: (N, K, dimension).
        """
        expanded = features.expand(-1, z.shape[1], -1)
        return posterior_mean(block, self.layers(torch.cat([expanded, z], dim=-1))[..., 0])
