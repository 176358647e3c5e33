"""Random orders, and batches of examples in orders of each epoch's own."""

from collections.abc import Iterator

import torch
from torch import Tensor

from becalm.noise.numbers import Purpose, bits


def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """A random order of 0 .. count - 1, a function of seed and epoch."""
    words = bits(seed, torch.zeros(1, dtype=torch.long), epoch, Purpose.ORDER, 2 * count)
    return torch.argsort((words[0, 0::2] << 31) ^ words[0, 1::2], stable=True)


def epochs(seed: int, count: int, batch: int, start: int = 0) -> Iterator[tuple[int, Tensor]]:
    """Endless batches of ``count`` examples, each epoch in an order of its own: (number, indices), from ``start`` on.

    What does not fill a batch at an epoch's end is left out; fewer examples than a batch are all of one.
    """
    per_epoch = max(count // batch, 1)
    number, order = start, None
    while True:
        epoch, place = divmod(number, per_epoch)
        if order is None or place == 0:
            order = permutation(seed, epoch, count)
        yield number, order[place * batch : (place + 1) * batch]
        number += 1
