"""What a classifier of violations is shown: embeddings, and by how much what they stand for misses each row.

They are of solutions and of what is made of them: some of the ones are dropped, and about as many zeros raised, more of
the one or more of the other, so that rows are missed on either side.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from becalm.noise import Purpose, uniform
from becalm_programs.latent.contrast import solutions
from becalm_programs.latent.embed import Embedding
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.training.examples import Example

CANDIDATES = 8
"""K, a solution and what is made of it."""


@torch.no_grad()
def seen(
    encoders: Embedding, examples: Sequence[Example], seed: int, number: int
) -> tuple[BlockDiagonal, Tensor, Tensor]:
    """The programs of a step, embeddings (N, K, dimension), and violations of rows (M, K); ``number`` is the step's."""
    block = BlockDiagonal.of([example.form for example in examples], CANDIDATES)
    drawn = solutions(examples, seed, number)
    x = torch.cat([candidates(x, seed, number * len(drawn) + place) for place, x in enumerate(drawn)])
    return block, encoders.solution(block, x), block.violation(block.down((1 + x) / 2)).abs()


def candidates(x: Tensor, seed: int, number: int) -> Tensor:
    """A solution (N,) and what is made of it, (N, K): the k-th drops up to a share (k / (K - 1))^3 of the ones.

    It raises zeros at a rate of its own, at most so that they are twice as many.

    Args:
        number: Of the draw; with the seed it settles all.
    """
    index = torch.arange(CANDIDATES)
    unit = uniform(seed, index, number, Purpose.AUGMENT, (len(x),)).to(x.device)
    drop, rise = uniform(seed, index, number, Purpose.CONDITION, (2,)).to(x.device).split(1, dim=1)
    ones = x > 0
    balance = (ones.sum() / (~ones).sum().clamp(min=1)).to(unit.dtype)
    share = torch.linspace(0.0, 1.0, CANDIDATES, dtype=unit.dtype, device=x.device)[:, None] ** 3
    changed = unit < share * torch.where(ones, drop, 2 * rise * balance)
    return torch.where(changed, -x, x).T
