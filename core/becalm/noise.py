"""Counter-based randomness: every number is a function of (seed, sample, step, purpose) and of nothing else.

So sample i is the same whatever the batch it came in, two loops never disturb each other, and a training checkpoint
holds no random state. The bits are Philox4x32-10 (Salmon et al. 2011), written in int64 tensor arithmetic: the same on
every device.
"""

import math
from collections.abc import Callable, Iterator
from enum import IntEnum

import torch
from torch import Tensor

_WORD = 0xFFFFFFFF


class Purpose(IntEnum):
    """Separate streams under one seed. The numbers are part of what a seed means: never renumber."""

    START = 0
    STEP = 1
    TRAIN_NOISE = 2
    TRAIN_TIME = 3
    TRAIN_DROP = 4
    ORDER = 5
    AUGMENT = 6
    CONDITION = 7
    EDIT = 8
    VALIDATE = 9


def philox(
    key: tuple[int, int], counter: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox4x32-10: four 32-bit words per counter, as int64 tensors of the counters' common shape."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        # The product of two 32-bit words wraps in int64, but its bits are right, and only the bits are used.
        first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1 = ((second >> 32) & _WORD) ^ c1 ^ k0, second & _WORD
        c2, c3 = ((first >> 32) & _WORD) ^ c3 ^ k1, first & _WORD
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


def bits(seed: int, sample: Tensor, step: int, purpose: Purpose, words: int, first: Tensor | int = 0) -> Tensor:
    """(N, words) random 32-bit words as int64, for the rows of samples ``sample``, (N,) integers.

    Args:
        first: Number of the row's first word within its sample, a multiple of 4, scalar or (N,): rows that belong to
            one sample take disjoint words of that sample's stream.
    """
    blocks = -(-words // 4)
    device = sample.device
    start = first // 4 if isinstance(first, int) else (first // 4)[:, None]
    block = (torch.arange(blocks, device=device)[None] + start).expand(len(sample), blocks)
    # Filled on the device: a number copied from the host would make the host wait.
    step_word = torch.full_like(block, step & _WORD)
    purpose_word = torch.full_like(block, int(purpose))
    key = (seed & _WORD, (seed >> 32) & _WORD)
    drawn = philox(key, (block, sample[:, None].expand_as(block), step_word, purpose_word))
    return torch.stack(drawn, dim=-1).flatten(1)[:, :words]


def uniform(seed: int, sample: Tensor, step: int, purpose: Purpose, shape: tuple[int, ...] = ()) -> Tensor:
    """Uniform float64 numbers in the open interval (0, 1), (N, *shape)."""
    words = bits(seed, sample, step, purpose, max(math.prod(shape), 1))
    return ((words.double() + 0.5) * 2.0**-32).reshape(len(sample), *shape)


def normal(
    seed: int, sample: Tensor, step: int, purpose: Purpose, shape: tuple[int, ...] = (), first: Tensor | int = 0
) -> Tensor:
    """Standard normal float32 numbers, (N, *shape), by the Box-Muller transform.

    The transform runs in float64: vectorised and scalar loops differ in the last bit of a logarithm, which would tie a
    number to its place in the batch; rounding to float32 removes that bit.
    """
    count = max(math.prod(shape), 1)
    words = bits(seed, sample, step, purpose, count + count % 2, first)
    unit = (words.double() + 0.5) * 2.0**-32
    radius = (-2.0 * unit[:, 0::2].log()).sqrt()
    angle = (2.0 * math.pi) * unit[:, 1::2]
    pairs = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)
    return pairs.flatten(1)[:, :count].float().reshape(len(sample), *shape)


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


def stream(
    seed: int, sample: Tensor, purpose: Purpose = Purpose.STEP, first_step: int = 0
) -> Callable[[Tensor], Tensor]:
    """The samplers' ``noise``: call number k gives step first_step + k's noise of each sample.

    Args:
        sample: (N,) number of the sample that each row of x belongs to. Rows of one sample must be neighbours.
    """
    steps = iter(range(first_step, 2**32))
    rank = _rank_within_sample(sample)

    def draw(like: Tensor) -> Tensor:
        shape = tuple(like.shape[1:])
        width = -(-max(math.prod(shape), 1) // 4) * 4
        first: Tensor | int = 0 if rank is None else rank * width
        return normal(seed, sample, next(steps), purpose, shape, first).to(like)

    return draw


def _rank_within_sample(sample: Tensor) -> Tensor | None:
    """Each row's number within its sample; None if every sample is one row."""
    if len(sample) < 2:
        return None
    changed = torch.ones_like(sample, dtype=torch.bool)
    changed[1:] = sample[1:] != sample[:-1]
    if bool(changed.all()):
        return None
    place = torch.arange(len(sample), device=sample.device)
    return place - torch.cummax(torch.where(changed, place, torch.zeros_like(place)), 0).values
