"""The network of the latent route: it denoises a solution's embedding, and decodes its own estimate.

    h = program features,  z0 = denoiser(z_t, t, h),  bits = decoder(z0, h),  output [z0, w bits]

The bits ride along as a last channel of x. Noise is put on them as on the rest, but the network never looks at them, so
the diffusion is over embeddings alone. For this a squared error on the output is the sum of both losses, denoiser and
decoder are trained together, an energy of the bits reaches the embedding through the decoder, and the last estimate of
any sampler comes decoded.
"""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_programs.latent.decode import Decoder
from becalm_programs.latent.embed import Messages, ProgramEncoder, perceptron
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal

_WAVES = 8


class LatentNetwork(NoiseConditioned):
    """The network; (rows, dimension + 1) to the same.

    Args:
        width: Of what entries and rows hold. dimension: Of the embedding. rounds: Of messages while denoising.
        encoder_width, encoder_rounds: Of the program's encoder.
        weight: w, by which bits are scaled in x.
    """

    def __init__(
        self, *, width: int, rounds: int, dimension: int, encoder_width: int, encoder_rounds: int, weight: float
    ) -> None:
        super().__init__()
        self.dimension, self.weight = dimension, weight
        self.program = ProgramEncoder(width=encoder_width, rounds=encoder_rounds)
        self.enter = nn.Linear(encoder_width + dimension + 2 * _WAVES, width)
        self.rows = nn.Linear(encoder_width, width)
        self.messages = Messages(width=width, rounds=rounds)
        self.leave = perceptron(width, width, dimension)
        self.decoder = Decoder(width=encoder_width, dimension=dimension)
        self.register_buffer("frequencies", geometric(_WAVES, 50.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """Estimates, of x's shape (rows, dimension + 1)."""
        time = waves(level, self.frequencies, x).expand(len(x), -1)
        return cond.map(self.block, x[:, : self.dimension], time)

    def block(self, block: BlockDiagonal, z: Tensor, time: Tensor) -> Tensor:
        """Estimates (N, K, dimension + 1) for z (N, K, dimension) and time (N, K, waves)."""
        features, row_features = self.program(block)
        expanded = features.expand(-1, z.shape[1], -1)
        entries = self.enter(torch.cat([expanded, z, time], dim=-1))
        entries, _ = self.messages(block, entries, self.rows(row_features).expand(-1, z.shape[1], -1))
        estimate = self.leave(entries)
        bits = self.decoder(block, features, estimate)
        return torch.cat([estimate, self.weight * bits[..., None]], dim=-1)
