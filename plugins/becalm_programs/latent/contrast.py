"""The contrastive training of both encoders: a program shall know its own solution among look-alikes (InfoNCE).

    loss = -log softmax_k(s similarity(program, x_k))_0,  x_0 a solution, s the sharpness

The look-alikes are the solution with some of its bits, from few to all, in another order: as many ones, and hardly ever
a solution. The seed method (Zeng et al. 2024) contrasts with the solutions of the batch's other programs, as CLIP does
(Radford et al. 2021). Of programs of different sizes only means over entries can be compared so, and on random programs
of one family and size those learned next to nothing in a trial.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from becalm.noise import Purpose, uniform
from becalm_programs.latent.embed import Embedding
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.training.examples import Example

CANDIDATES = 8
"""K, the solution and its look-alikes."""
_LEAST = 0.1
"""Least share of the bits that a look-alike has in another order."""


def infonce(similarity: Tensor, sharpness: Tensor | float) -> Tensor:
    """The loss, 0-dim, of similarities (P, K) whose first column is the right one (Oord et al. 2018, eq. 4).

    Args:
        sharpness: Inverse of the temperature.
    """
    return -(sharpness * similarity).log_softmax(dim=1)[:, 0].mean()


def lookalikes(x: Tensor, seed: int, number: int) -> Tensor:
    """A solution (N,) and its look-alikes, (N, K); the k-th has a share of bits in another order that grows with k.

    Args:
        number: Of the draw; with the seed it settles all.
    """
    size, count = len(x), CANDIDATES
    unit = uniform(seed, torch.arange(count - 1), number, Purpose.AUGMENT, (2, size)).to(x.device)
    share = torch.linspace(_LEAST, 1.0, count - 1, dtype=unit.dtype, device=x.device)
    candidates = [x]
    for drawn, part in zip(unit, share, strict=True):
        moved = drawn[0].argsort()[: max(2, round(float(part) * size))]
        other = x.clone()
        other[moved] = x[moved[drawn[1][: len(moved)].argsort()]]
        candidates.append(other)
    return torch.stack(candidates, dim=1)


def compare(embedding: Embedding, examples: Sequence[Example], seed: int, number: int) -> tuple[Tensor, Tensor]:
    """The loss of one solution of each program, and the share of programs that lie nearest their own, both 0-dim."""
    block = BlockDiagonal.of([example.form for example in examples], CANDIDATES)
    drawn = solutions(examples, seed, number)
    candidates = [lookalikes(x, seed, number * len(drawn) + place) for place, x in enumerate(drawn)]
    similarity = embedding.similarity(block, torch.cat(candidates))
    # As in CLIP no sharper than 100, or single programs take over.
    loss = infonce(similarity, embedding.sharpness.exp().clamp(max=100.0))
    return loss, (similarity.argmax(1) == 0).float().mean()


def solutions(examples: Sequence[Example], seed: int, number: int) -> list[Tensor]:
    """One solution of each program, (N,), drawn evenly; ``number`` is that of the draw."""
    share = uniform(seed, torch.arange(len(examples)), number, Purpose.AUGMENT)
    return [example.x0[int(part * len(example.x0))] for example, part in zip(examples, share.tolist(), strict=True)]
