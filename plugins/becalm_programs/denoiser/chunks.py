"""A network called on samples in chunks of one size, so that a sample hardly feels the batch it came in.

Matrix products choose their order of summation by shape, and a guided path is rounded on the way: a last bit can decide
which of two entries of equal worth is taken. Chunks of one size leave only the ends of vectors, where scalar loops take
over. On a CPU they cost no time, as small ones fit into its cache, and they bound the memory.
"""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm

SIZE = 4
"""Samples in a chunk; the last one is padded."""
_ENTRIES = 2**15
"""Of a large program so few samples that they have no more entries than this: it bounds the memory, and larger tensors
are given back to the system at each step, which doubles the time."""


def size(form: StandardForm) -> int:
    """Samples in a chunk: a function of the program alone, whatever the batch."""
    return max(1, min(SIZE, _ENTRIES // max(1, len(form.cost))))


class Chunked(nn.Module):
    """The network for samples of one program; others, and levels of their own, go to it as they come.

    Args:
        network: Called as (x, level, cond), where x is the rows of the first sample, then those of the second.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._chunk: ProblemBatch | None = None

    def forward(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """The network's output."""
        if len(set(cond.which)) != 1 or level.alpha.dim():
            return self._call(x, level, cond)
        chunk = self._like(cond)
        rows = x.reshape(cond.size, -1, *x.shape[1:])
        index = torch.arange(cond.size + -cond.size % chunk.size, device=x.device).clamp(max=cond.size - 1)
        parts = [self._call(rows[part].flatten(0, 1), level, chunk) for part in index.split(chunk.size)]
        return torch.cat(parts)[: len(x)]

    def _call(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        output: Tensor = self.network(x, level, cond)
        return output

    def _like(self, cond: ProblemBatch) -> ProblemBatch:
        """The condition of a chunk, made once for a program: its blocks are kept in it."""
        form = cond.forms[cond.which[0]]
        if self._chunk is None or self._chunk.forms[0] is not form:
            self._chunk = ProblemBatch((form,), (0,) * size(form))
        return self._chunk
