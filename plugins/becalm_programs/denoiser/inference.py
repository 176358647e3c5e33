"""The bipartite network on a CPU without gradients: a program is encoded once, and its samples pass through in few
passes over memory.

What stands between products of matrices is compiled (``becalm_programs.denoiser.kernels``). It computes what
``becalm_programs.denoiser.network`` does, up to rounding.
"""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.network.embedding import waves
from becalm_programs.denoiser.kernels import enter, to_rows
from becalm_programs.denoiser.network import LLR_LIMIT, Bipartite, Round, log_likelihood_ratio, posterior_mean, slack
from becalm_programs.denoiser.tile import RoundWeights, Tile, arrays, norm_of
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.product import unsigned
from becalm_programs.problem.standard_form import FEATURES

_TILE = 512
"""Entries of samples that are computed at a time, so that all of them stays in a processor's cache."""


class Inference(nn.Module):
    """A network of frozen weights, called on samples of one program again and again; else it is the network itself."""

    def __init__(self, network: Bipartite) -> None:
        super().__init__()
        self.network = network
        self._encoded: EncodedProgram | None = None

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """The network's output, (rows,)."""
        block = cond.blocks[0]
        if len(cond.blocks) > 1 or block.programs > 1 or level.alpha.dim() or not self._plain(x):
            output: Tensor = self.network(x, level, cond)
            return output
        if self._encoded is None or self._encoded.block is not block:
            self._encoded = EncodedProgram(self.network, block)
        ratio, time = log_likelihood_ratio(x, level), waves(level, self.network.frequencies, x)
        return block.scatter(self._encoded.estimates(block.gather(x), block.gather(ratio), time))

    def _plain(self, x: Tensor) -> bool:
        """Whether all is float32 on a CPU, and no gradient is asked for."""
        weight = self.network.enter.weight
        plain = x.dtype == weight.dtype == torch.float32 and x.device.type == weight.device.type == "cpu"
        learns = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
        return plain and not learns and not torch.is_autocast_enabled("cpu")


class EncodedProgram:
    """A block of one program with all that a network of width W computes of it without noise: N entries, M rows, S
    samples.
    """

    def __init__(self, network: Bipartite, block: BlockDiagonal) -> None:
        self.block = block
        bias, weight = network.enter.bias.detach(), network.enter.weight.detach()
        known, own, self._waves = weight.tensor_split((FEATURES, FEATURES + 2), dim=1)
        self._entries, self._own = torch.addmm(bias, block.features, known.T), own.T
        self._rounds = [RoundWeights(cast(Round, each), block.row_features) for each in network.rounds]
        norm, *self._leave = cast(Any, network.leave)
        # What a round, or the end, begins with: the norm of entries, and the biases of all that was added to them.
        self._norms = [each.norm for each in self._rounds] + [norm_of(norm)]
        self._shifts = np.cumsum([np.zeros_like(bias), *(each.bias for each in self._rounds)], 0, np.float32)
        self._matrix, transposed = (unsigned(*part) for part in block.parts)
        self._h = torch.empty(len(block.features), block.count, len(bias), dtype=torch.float32)
        self._down = torch.empty_like(self._h)
        self._rows = np.empty((len(block.row_features), block.count * len(bias)), np.float32)
        self._tiles = Tile.split(self._h, self._down, transposed, max(1, _TILE // block.count))

    def estimates(self, x: Tensor, ratio: Tensor, time: Tensor) -> Tensor:
        """Estimates (N, S) for x and its log-likelihood ratios, both (N, S), and the waves of a level (1, waves)."""
        block, likely = self.block, torch.tanh(ratio / 2)
        enter(*arrays(self._entries, (time @ self._waves.T)[0], x, likely, self._own, self._h))
        (state,) = arrays(slack(block, block.down((1 + likely) / 2)))
        for tile in self._tiles:
            tile.normalise(self._norms[0], self._shifts[0])
        for weights, norm, shift in zip(self._rounds, self._norms[1:], self._shifts[1:], strict=True):
            for tile in self._tiles:
                tile.send(weights)
            down = self._down.flatten(1).numpy()
            to_rows(block.count, *self._matrix, down, weights.known, state, weights.by_state, self._rows)
            for tile in self._tiles:
                tile.hear(self._rows, weights)
                tile.normalise(norm, shift)
        logit = torch.cat([tile.leave(*self._leave) for tile in self._tiles]).reshape(x.shape)
        return posterior_mean(block, logit + ratio.clamp(-LLR_LIMIT, LLR_LIMIT))
