"""Random numbers of samples: words, uniform and normal ones."""

import math
from enum import IntEnum

import torch
from torch import Tensor

from becalm.noise.philox import WORD, philox, philox_on_cpu


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
    PROBE = 10
    CLASSIFY = 11
    TRAIN_AGAIN = 12


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
    key = (seed & WORD, (seed >> 32) & WORD)
    if device.type == "cpu":
        number = step & WORD if isinstance(step, int) else step.reshape(-1, 1).numpy()
        counter = (block.numpy(), sample[:, None].numpy(), number, int(purpose))
        return torch.from_numpy(philox_on_cpu(key, counter, (len(sample), blocks))).flatten(1)[:, :words]
    block = block.expand(len(sample), blocks)
    # Filled on the device: a number copied from the host would make the host wait.
    step_word = torch.full_like(block, step & WORD) if isinstance(step, int) else step.reshape(-1, 1).expand_as(block)
    purpose_word = torch.full_like(block, int(purpose))
    words_of = philox(key, (block, sample[:, None].expand_as(block), step_word, purpose_word))
    return torch.stack(words_of, dim=-1).flatten(1)[:, :words]


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
    numbers = torch.empty(words.shape, dtype=torch.float32, device=sample.device)
    numbers[:, 0::2] = radius * angle.cos()
    numbers[:, 1::2] = radius * angle.sin()
    return numbers[:, :count].reshape(len(sample), *shape)
