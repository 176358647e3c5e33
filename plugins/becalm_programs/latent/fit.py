"""A short training of a small network on labelled programs: AdamW, a few programs a step, all of it from the seed."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from becalm.noise import epochs
from becalm.train.checks.finite import DivergedError
from becalm.train.settings import Training, rate_at
from becalm_programs.training.examples import Example

Losses = Callable[[Sequence[Example], int, int], tuple[Tensor, Tensor]]
"""(programs of a step, seed, number of the step) to the loss and one figure beside it, both 0-dim."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """One optimiser step.

    Attributes:
        step: Steps done, this one included.
        loss: Of the batch. figure: What stands beside it.
        seconds: Trained when it was done.
    """

    step: int
    loss: float
    figure: float
    seconds: float


def fit(
    network: nn.Module, losses: Losses, examples: Sequence[Example], *, training: Training, batch: int
) -> Iterator[Fitted]:
    """Trains in place, ``batch`` programs at a time; all randomness is a function of the seed.

    Raises:
        DivergedError: If the loss is no longer finite.
    """
    optimizer = torch.optim.AdamW(network.parameters(), training.rate, weight_decay=training.weight_decay)
    begun, seconds = time.perf_counter(), 0.0
    for number, index in epochs(training.seed, len(examples), batch):
        if training.used(number, seconds).over:
            return
        for group in optimizer.param_groups:
            group["lr"] = rate_at(training, number, seconds)
        loss, figure = losses([examples[place] for place in index.tolist()], training.seed, number)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not math.isfinite(loss.item()):
            raise DivergedError("the loss is", number + 1)
        seconds = time.perf_counter() - begun
        yield Fitted(number + 1, loss.item(), figure.item(), seconds)
