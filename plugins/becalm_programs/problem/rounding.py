"""Entries as they are decoded: what must be whole on 0 or 1, one of each set of which exactly one is 1."""

import torch
from torch import Tensor

from becalm_programs.problem.block import BlockDiagonal


def round_entries(block: BlockDiagonal, p: Tensor) -> Tensor:
    """Entries (N, K) as they are decoded: what must be whole is 0 or 1, of a set of which one is 1 the likeliest.

    Of several that are equally likely, the first.
    """
    return torch.where(block.whole, round_scores(block, p, 0.5), p)


def round_scores(block: BlockDiagonal, score: Tensor, middle: float) -> Tensor:
    """Bits (N, K) of scores, likelihoods or logits."""
    bits = (score > middle).to(score.dtype)
    if not block.has_groups:
        return bits
    likeliest = score >= block.of_sets(score, "amax", -torch.inf)
    position = positions(score)
    first = block.of_sets(position.masked_fill(~likeliest, torch.inf), "amin", torch.inf)
    return torch.where(block.member, (position == first).to(score.dtype), bits)


def positions(values: Tensor) -> Tensor:
    """(N, K) number of each entry, in float64, which holds them all."""
    return torch.arange(len(values), device=values.device, dtype=torch.float64)[:, None].expand_as(values)
