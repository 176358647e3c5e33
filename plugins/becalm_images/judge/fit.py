"""A short supervised training: AdamW, one cosine from the top rate to 0, an order of data that the seed gives."""

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from becalm.noise import permutation
from becalm.train.budget import used

_BATCH = 128
_RATE = 2e-3


def fit(
    network: nn.Module,
    loss: Callable[[Tensor, int], Tensor],
    count: int,
    *,
    epochs: int | None,
    seed: int,
    minutes: float | None = None,
) -> Iterator[float]:
    """Trains in place; yields the share done after each step.

    Args:
        loss: (indices of the batch, step) to the mean loss.
        count: Number of examples.
        epochs, minutes: How often over the examples, how long by the clock; whichever ends first.
    """
    optimizer = torch.optim.AdamW(network.parameters(), _RATE)
    per_epoch = -(-count // _BATCH)
    total = None if epochs is None else epochs * per_epoch
    begun, step = time.perf_counter(), 0
    part = used(total, minutes, step, 0.0)
    while not part.over:
        epoch, number = divmod(step, per_epoch)
        if number == 0:
            order = permutation(seed, epoch, count)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * part.done / part.total))
        value = loss(order[number * _BATCH : (number + 1) * _BATCH], step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        step += 1
        part = used(total, minutes, step, time.perf_counter() - begun)
        yield part.share
