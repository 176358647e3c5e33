"""The latent route's map between solutions and what is noised: [embedding, w bits]."""

import torch
from torch import Tensor, nn

from becalm_programs.latent.embed import Embedding
from becalm_programs.problem.batch import ProblemBatch


class LatentCodec(nn.Module):
    """Solutions, flat (rows,) in [-1, 1], to (rows, dimension + 1) and back; its encoders travel in the checkpoint.

    Args:
        weight: w, by which bits are scaled in x.
    """

    def __init__(self, embedding: Embedding, weight: float) -> None:
        super().__init__()
        self.embedding, self.weight = embedding, weight

    def encode(self, data: Tensor, cond: ProblemBatch) -> Tensor:
        """(rows, dimension + 1) of solutions (rows,), each embedded together with its program."""
        return torch.cat([self.embedding.encode(data, cond), self.weight * data[:, None]], dim=1)

    def decode(self, x0: Tensor, cond: ProblemBatch) -> Tensor:
        """The bits that the network decoded, (rows,)."""
        return bits(x0, self.weight)


def bits(x0: Tensor, weight: float) -> Tensor:
    """The bits in x0: (rows,), in (-1, 1) where a network made them."""
    return x0[:, -1] / weight
