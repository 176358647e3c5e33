"""Samples of a model as a start; where they repeat, they are kept away from what solutions of the pool share."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.model import Model
from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.denoiser.chunks import size
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.program import Array
from becalm_programs.sampling.draw import sample

_LOOKED_AT = 50
"""Solutions of the pool, the best, whose mean is kept away from."""
_EDGE = 1e-6


def draw_samples(instance: Instance, model: Model[ProblemBatch]) -> Draw:
    """Samples at tier 1-opt, each of a number of its own."""
    # A network takes as long for one sample as for a chunk.
    first, chunk = 0, size(instance.form)

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        nonlocal first
        count += -count % chunk
        request = instance.request.model_copy(update={"count": count, "first": first, "tier": "1-opt"})
        first += count
        chosen = model
        if apart > 1 and len(instance.pool):
            chosen = replace(model, network=Repelled(model.network, (apart - 1) * _shared(instance)))
        return instance.polish(sample(chosen, instance.form, request).x)

    return draw


class Repelled(nn.Module):
    """A network whose estimates are moved away from a direction.

        l <- l - direction,   l the logit of an entry

    Args:
        direction: (N,) of the entries of a program.
    """

    def __init__(self, network: nn.Module, direction: Array) -> None:
        super().__init__()
        self.network = network
        self.direction: Tensor
        self.register_buffer("direction", torch.from_numpy(direction.astype(np.float32))[:, None])

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """Estimates of x's shape (rows,)."""
        return cond.map(self._move, self.network(x, level, cond))

    def _move(self, block: BlockDiagonal, estimate: Tensor) -> Tensor:
        logit = torch.atanh(estimate.clamp(-1 + _EDGE, 1 - _EDGE)) - self.direction / 2
        return torch.where(block.whole, torch.tanh(logit), estimate)


def _shared(instance: Instance) -> Array:
    """(N,) mean over good solutions of each entry, as -1 and 1."""
    best = instance.pool.all()[:_LOOKED_AT]
    return np.asarray(2 * instance.form.encoding.encode(instance.program, best).mean(axis=0) - 1)
