"""When two checkpoints are the same."""

from pathlib import Path

import torch

from becalm.files.checkpoint import Checkpoint


def same(first: Path, second: Path) -> bool:
    """Whether two checkpoints hold the same configuration and the same bits."""
    one, two = Checkpoint.read(first), Checkpoint.read(second)
    return one.config == two.config and all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
