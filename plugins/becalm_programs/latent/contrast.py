"""The contrastive training of both encoders: a program shall know its own solution among look-alikes (InfoNCE).

    loss = -log softmax_k(s similarity(program, x_k))_0,  x_0 a solution, s the sharpness

The look-alikes are the solution with some of its bits, from few to all, in another order: as many ones, and hardly ever
a solution. The seed method (Zeng et al. 2024) contrasts with the solutions of the batch's other programs, as CLIP does
(Radford et al. 2021). Of programs of different sizes only means over entries can be compared so, and on random programs
of one family and size those learned next to nothing in a trial.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from becalm.noise import Purpose, epochs, uniform
from becalm.train.checks.finite import DivergedError
from becalm.train.settings import Training, rate_at
from becalm_programs.latent.embed import Embedding
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.training.examples import Example

CANDIDATES = 8
"""K, the solution and its look-alikes."""
_LEAST = 0.1
"""Least share of the bits that a look-alike has in another order."""


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """One optimiser step.

    Attributes:
        step: Steps done, this one included.
        loss: Of the batch, in nats. found: Share of the programs that lie nearest their own solution.
        seconds: Trained when it was done.
    """

    step: int
    loss: float
    found: float
    seconds: float


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


def fit(embedding: Embedding, examples: Sequence[Example], *, training: Training, batch: int) -> Iterator[Contrast]:
    """Trains in place by AdamW, ``batch`` programs at a time; all randomness is a function of the seed.

    Raises:
        DivergedError: If the loss is no longer finite.
    """
    optimizer = torch.optim.AdamW(embedding.parameters(), training.rate, weight_decay=training.weight_decay)
    begun, seconds = time.perf_counter(), 0.0
    for number, index in epochs(training.seed, len(examples), batch):
        if training.used(number, seconds).over:
            return
        for group in optimizer.param_groups:
            group["lr"] = rate_at(training, number, seconds)
        chosen = [examples[place] for place in index.tolist()]
        loss, found = compare(embedding, chosen, training.seed, number)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not math.isfinite(loss.item()):
            raise DivergedError("the loss is", number + 1)
        seconds = time.perf_counter() - begun
        yield Contrast(number + 1, loss.item(), found.item(), seconds)


def compare(embedding: Embedding, examples: Sequence[Example], seed: int, number: int) -> tuple[Tensor, Tensor]:
    """The loss of one solution of each program, and the share of programs that lie nearest their own, both 0-dim."""
    block = BlockDiagonal.of([example.form for example in examples], CANDIDATES)
    share = uniform(seed, torch.arange(len(examples)), number, Purpose.AUGMENT)
    drawn = [example.x0[int(part * len(example.x0))] for example, part in zip(examples, share.tolist(), strict=True)]
    candidates = [lookalikes(x, seed, number * len(drawn) + place) for place, x in enumerate(drawn)]
    similarity = embedding.similarity(block, torch.cat(candidates))
    # As in CLIP no sharper than 100, or single programs take over.
    loss = infonce(similarity, embedding.sharpness.exp().clamp(max=100.0))
    return loss, (similarity.argmax(1) == 0).float().mean()
