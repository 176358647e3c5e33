"""A short supervised training: AdamW, one cosine from the top rate to 0, an order of data that the seed gives."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from becalm.noise import permutation

_BATCH = 128
_RATE = 2e-3


def fit(
    network: nn.Module, loss: Callable[[Tensor, int], Tensor], count: int, *, epochs: int, seed: int
) -> Iterator[float]:
    """Trains in place; yields the share done after each step.

    Args:
        loss: (indices of the batch, step) to the mean loss.
        count: Number of examples.
    """
    optimizer = torch.optim.AdamW(network.parameters(), _RATE)
    per_epoch = -(-count // _BATCH)
    total = epochs * per_epoch
    for step in range(total):
        epoch, number = divmod(step, per_epoch)
        if number == 0:
            order = permutation(seed, epoch, count)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * step / total))
        value = loss(order[number * _BATCH : (number + 1) * _BATCH], step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        yield (step + 1) / total
