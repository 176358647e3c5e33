"""Vectors per row of x, (rows, D), as a block holds them, (N, K, D), and back, in the order of ``Block.gather``."""

import torch
from torch import Tensor

from becalm_programs.condition import Block


def gathered(block: Block, flat: Tensor) -> Tensor:
    """A block's part of x, (rows, D), as (N, K, D)."""
    parts = flat.split([size * block.count for size in block.sizes])
    return torch.cat(
        [part.reshape(block.count, size, -1).transpose(0, 1) for part, size in zip(parts, block.sizes, strict=True)]
    )


def scattered(block: Block, values: Tensor) -> Tensor:
    """(N, K, D) back to the order of x, (rows, D)."""
    return torch.cat([part.transpose(0, 1).flatten(0, 1) for part in values.split(block.sizes)])
