"""A short supervised training: AdamW, one cosine from the top rate to 0, an order of data that the seed gives."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from becalm.noise import permutation


def fit(
    network: nn.Module,
    loss: Callable[[Tensor, int], Tensor],
    count: int,
    *,
    epochs: int,
    batch: int,
    rate: float,
    seed: int,
) -> Iterator[float]:
    """Trains in place; yields the share done after each step.

    Args:
        loss: (indices of the batch, step) to the mean loss.
        count: Number of examples.
    """
    optimizer = torch.optim.AdamW(network.parameters(), rate)
    per_epoch = -(-count // batch)
    total = epochs * per_epoch
    for step in range(total):
        epoch, number = divmod(step, per_epoch)
        if number == 0:
            order = permutation(seed, epoch, count)
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / total))
        value = loss(order[number * batch : (number + 1) * batch], step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        yield (step + 1) / total
