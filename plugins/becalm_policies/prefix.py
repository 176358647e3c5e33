"""Learning to go on from actions that are known: the first entries of a chunk come to the network clean.

Of each training chunk the first k actions stay as they are, at a level of their own that is clean, and the loss is of
the rest; k is as often any number up to ``most``, and for a third of the chunks 0 (training-time real-time chunking,
Black et al. 2025b, section 4). Under a delay, the actions that will have been executed are such a prefix.
"""

from typing import Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.level import NoiseLevel
from becalm.objective.denoising import Denoising
from becalm.objective.kind import Draw, Others

C = TypeVar("C")
_GOLDEN = (5**0.5 - 1) / 2
_NONE = 1 / 3
"""Share of the chunks without a prefix."""


class Prefixed(Denoising):
    """Denoising of what follows a known beginning."""

    kind: Literal["prefix"] = "prefix"  # type: ignore[assignment]
    most: int = Field(
        9, ge=1, description="Most known actions, those of past observations counted: history - 1 + the longest delay."
    )

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        known = beginnings(batch.x0, self.most)
        level = with_clean(draw.level, known)
        x0 = student(torch.where(known, batch.x0, draw.x), level, batch.cond)
        root = self.weighting.weight(draw.level, self.prediction).sqrt()
        error = torch.where(known, 0.0, root.to(x0) * (x0 - batch.x0)) ** 2
        free = (~known).to(x0).flatten(1).mean(1)
        return self.penalised(batch.mean(error) / free, x0, others, batch, draw)


def beginnings(chunks: Tensor, most: int) -> Tensor:
    """Which entries of chunks (B, Tp, A) are known, of the same shape: the first 0 to ``most`` actions of each.

    The numbers are spread evenly over the places in the batch, and over the times, which follow these too.
    """
    count, horizon = chunks.shape[:2]
    unit = torch.arange(count, device=chunks.device, dtype=torch.float64) * _GOLDEN % 1
    # Never all of it: the last action is always learnt.
    most = min(most, horizon - 1)
    length = torch.floor((unit - _NONE) / (1 - _NONE) * most + 1).clamp(min=0)
    known = torch.arange(horizon, device=chunks.device) < length[:, None]
    return known[..., None].expand_as(chunks)


def with_clean(level: NoiseLevel, clean: Tensor) -> NoiseLevel:
    """The level with some entries clean, (B, Tp, A).

    Args:
        level: Scalar, or one per row, (B, 1, 1).
    """
    t = level.t.to(clean.device)
    alpha, sigma = level.alpha.to(clean.device), level.sigma.to(clean.device)
    rows = t if t.dim() else t.expand(len(clean), 1, 1)
    return NoiseLevel(rows, torch.where(clean, 1.0, alpha), torch.where(clean, 0.0, sigma))
