"""Counter-based randomness: every number is a function of (seed, sample, step, purpose) and of nothing else.

So sample i is the same whatever the batch it came in, two loops never disturb each other, and a training checkpoint
holds no random state. The bits are Philox4x32-10 (Salmon et al. 2011), written in int64 tensor arithmetic: the same on
every device.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_WORD = 0xFFFFFFFF
_FACTORS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)[:, None, None]
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)[:, None, None]


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


def bits(
    seed: int, sample: Tensor, step: int | Tensor, purpose: Purpose, words: int, first: Tensor | int = 0
) -> Tensor:
    """(N, words) random 32-bit words as int64, for the rows of samples ``sample``, (N,) integers.

    Args:
        step: One for all rows, a number or a 0-dim tensor, or (N,).
        first: Number of the row's first word within its sample, a multiple of 4, scalar or (N,): rows that belong to
            one sample take disjoint words of that sample's stream.
    """
    blocks = -(-words // 4)
    device = sample.device
    start = first // 4 if isinstance(first, int) else (first // 4)[:, None]
    block = torch.arange(blocks, device=device)[None] + start
    key = (seed & _WORD, (seed >> 32) & _WORD)
    if device.type == "cpu":
        number = step & _WORD if isinstance(step, int) else step.reshape(-1, 1).numpy()
        counter = (block.numpy(), sample[:, None].numpy(), number, int(purpose))
        return torch.from_numpy(_philox_on_cpu(key, counter, (len(sample), blocks))).flatten(1)[:, :words]
    block = block.expand(len(sample), blocks)
    # Filled on the device: a number copied from the host would make the host wait.
    step_word = torch.full_like(block, step & _WORD) if isinstance(step, int) else step.reshape(-1, 1).expand_as(block)
    purpose_word = torch.full_like(block, int(purpose))
    words_of = philox(key, (block, sample[:, None].expand_as(block), step_word, purpose_word))
    return torch.stack(words_of, dim=-1).flatten(1)[:, :words]


def _philox_on_cpu(key: tuple[int, int], counter: Sequence[Any], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The words of ``philox``, (*shape, 4), of counters that broadcast to the shape: numpy's unsigned arithmetic, in
    place and on both halves of a round at once, which is much faster than tensors here.
    """
    even, odd = np.empty((2, *shape), np.int64), np.empty((2, *shape), np.int64)
    even[0], odd[0], even[1], odd[1] = counter
    even, odd = even.view(np.uint64), odd.view(np.uint64)
    product, high = np.empty_like(even), np.empty_like(even)
    keys, word, half = np.array(key, np.uint64)[:, None, None], np.uint64(_WORD), np.uint64(32)
    for _ in range(10):
        np.multiply(even, _FACTORS, out=product)
        np.right_shift(product, half, out=high)
        # The words cross over: what was c2 goes into c0, and what was c0 into c2.
        np.bitwise_xor(high[::-1], odd, out=even)
        np.bitwise_xor(even, keys, out=even)
        np.bitwise_and(product[::-1], word, out=odd)
        keys = (keys + _WEYL) & word
    out = np.empty((*shape, 4), np.uint64)
    out[..., 0], out[..., 1], out[..., 2], out[..., 3] = even[0], odd[0], even[1], odd[1]
    return out.view(np.int64)


def uniform(seed: int, sample: Tensor, step: int | Tensor, purpose: Purpose, shape: tuple[int, ...] = ()) -> Tensor:
    """Uniform float64 numbers in the open interval (0, 1), (N, *shape)."""
    words = bits(seed, sample, step, purpose, max(math.prod(shape), 1))
    return ((words.double() + 0.5) * 2.0**-32).reshape(len(sample), *shape)


def normal(
    seed: int,
    sample: Tensor,
    step: int | Tensor,
    purpose: Purpose,
    shape: tuple[int, ...] = (),
    first: Tensor | int = 0,
) -> Tensor:
    """Standard normal float32 numbers, (N, *shape), by the Box-Muller transform.

    The transform runs in float64: vectorised and scalar loops differ in the last bit of a logarithm, which would tie a
    number to its place in the batch; rounding to float32 removes that bit.
    """
    count = max(math.prod(shape), 1)
    words = bits(seed, sample, step, purpose, count + count % 2, first)
    unit = words.double().add_(0.5).mul_(2.0**-32)
    radius = unit[:, 0::2].log().mul_(-2.0).sqrt_()
    angle = unit[:, 1::2] * (2.0 * math.pi)
    numbers = torch.empty(words.shape, device=sample.device)
    numbers[:, 0::2] = radius * angle.cos()
    numbers[:, 1::2] = radius * angle.sin()
    return numbers[:, :count].reshape(len(sample), *shape)


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
    seed: int,
    sample: Tensor,
    purpose: Purpose = Purpose.STEP,
    first_step: int | Tensor = 0,
    rank: Tensor | None = None,
) -> Callable[[Tensor], Tensor]:
    """The samplers' ``noise``: call number k gives step first_step + k's noise of each sample.

    A draw of a few numbers takes as long as one of thousands, so several steps are drawn at once where they are small.

    Args:
        sample: (N,) number of the sample that each row of x belongs to. Rows of one sample must be neighbours.
        rank: (N,) each row's number within its sample; by default counted.
    """
    rank = _rank_within_sample(sample) if rank is None else rank
    # A tensor's value is not looked at: another device would make the host wait.
    step, called, shape = first_step, 0, torch.Size()
    drawn: Iterator[Tensor] = iter(())

    def draw(like: Tensor) -> Tensor:
        nonlocal step, called, drawn, shape
        if like.shape[1:] != shape:
            drawn, shape = iter(()), like.shape[1:]
        noise = next(drawn, None)
        if noise is None:
            # Whoever is no sampler asks once, and pays for one at first.
            several = purpose == Purpose.STEP or called > 0
            count = min(_STEPS, max(1, _NUMBERS // max(like.numel(), 1))) if several else 1
            drawn = iter(_block(seed, sample, step, count, purpose, shape, rank).unbind())
            noise = next(drawn)
        step, called = step + 1, called + 1
        return noise.to(like)

    return draw


_STEPS, _NUMBERS = 64, 2**14
"""How many steps, and about how many numbers, are drawn at once."""


def _block(
    seed: int,
    sample: Tensor,
    step: int | Tensor,
    count: int,
    purpose: Purpose,
    shape: tuple[int, ...],
    rank: Tensor | None,
) -> Tensor:
    """The noise of ``count`` steps from ``step`` on, (count, N, *shape)."""
    width = -(-max(math.prod(shape), 1) // 4) * 4
    first: Tensor | int = 0 if rank is None else (rank * width).repeat(count)
    numbers = (torch.arange(count, device=sample.device) + step).repeat_interleave(len(sample)) if count > 1 else step
    return normal(seed, sample.repeat(count), numbers, purpose, tuple(shape), first).reshape(count, len(sample), *shape)


def _rank_within_sample(sample: Tensor) -> Tensor | None:
    """Each row's number within its sample; None where every sample is seen to be one row."""
    if len(sample) < 2:
        return None
    changed = torch.ones_like(sample, dtype=torch.bool)
    changed[1:] = sample[1:] != sample[:-1]
    # Numbers are the same with ranks of 0; to see that they are all 0 on another device, the host would have to wait.
    if sample.device.type == "cpu" and bool(changed.all()):
        return None
    place = torch.arange(len(sample), device=sample.device)
    return place - torch.cummax(torch.where(changed, place, torch.zeros_like(place)), 0).values
