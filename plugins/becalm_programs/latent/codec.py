"""The latent route's map between solutions and what is noised: [embedding, w bits]."""

from dataclasses import dataclass

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

    def encode(self, data: Tensor) -> Tensor:
        """Refused: what a solution means depends on its program.

        Raises:
            ValueError: Always.
        """
        raise ValueError("a solution is embedded together with its program: use codec.of(cond).encode(data)")

    def decode(self, x0: Tensor) -> Tensor:
        """The bits that the network decoded, (rows,)."""
        return bits(x0, self.weight)

    def of(self, cond: ProblemBatch) -> "BoundCodec":
        """The codec of these programs' solutions, which encodes too."""
        return BoundCodec(self, cond)


@dataclass(frozen=True, slots=True, eq=False)
class BoundCodec:
    """A codec whose programs are known: core's ``Codec``."""

    codec: LatentCodec
    cond: ProblemBatch

    def encode(self, data: Tensor) -> Tensor:
        """(rows, dimension + 1) of solutions (rows,)."""
        z = self.codec.embedding.encode(data, self.cond)
        return torch.cat([z, self.codec.weight * data[:, None]], dim=1)

    def decode(self, x0: Tensor) -> Tensor:
        return self.codec.decode(x0)


def bits(x0: Tensor, weight: float) -> Tensor:
    """The bits in x0: (rows,), in (-1, 1) where a network made them."""
    return x0[:, -1] / weight
