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
        step: One for all rows, a number or a 0-dim tensor, or (N,); or (S, 1) of several, for (S, N, words).
        first: Number of the row's first word within its sample, a multiple of 4, scalar or (N,): rows that belong to
            one sample take disjoint words of that sample's stream.
    """
    drawn = _words(seed, sample, step, purpose, -(-words // 4), first)
    return drawn.movedim((1, 0), (-2, -1)).flatten(-3)[..., :words]


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
    """Standard normal float32 numbers, (N, *shape), by the Box-Muller transform; (S, N, *shape) for steps (S, 1).

    The transform runs in float64: vectorised and scalar loops differ in the last bit of a logarithm, which would tie a
    number to its place in the batch; rounding to float32 removes that bit.
    """
    count = max(math.prod(shape), 1)
    radius, angle = _words(seed, sample, step, purpose, -(-count // 4), first).double().add_(0.5)
    radius.mul_(2.0**-32).log_().mul_(-2.0).sqrt_()
    angle.mul_(2.0**-32 * 2.0 * math.pi)
    _, *rows, blocks = radius.shape
    numbers = torch.empty((*rows, blocks, 2, 2), dtype=torch.float32, device=sample.device)
    pairs = numbers.movedim(-2, 0)
    pairs[..., 0] = angle.cos().mul_(radius)
    pairs[..., 1] = angle.sin_().mul_(radius)
    return numbers.flatten(-3)[..., :count].contiguous().reshape(*rows, *shape)


def _words(seed: int, sample: Tensor, step: int | Tensor, purpose: Purpose, blocks: int, first: Tensor | int) -> Tensor:
    """The words of ``blocks`` counters of each row, (2, 2, N, blocks) or (2, 2, S, N, blocks): see ``philox.Words``."""
    device = sample.device
    start = first // 4 if isinstance(first, int) else first[:, None] // 4
    block = torch.arange(blocks, device=device) + start
    key = (seed & WORD, (seed >> 32) & WORD)
    if device.type == "cpu":
        number = step & WORD if isinstance(step, int) else step[..., None].numpy()
        return torch.from_numpy(philox_on_cpu(key, (block.numpy(), sample[:, None].numpy(), number, int(purpose))))
    # Filled on the device: a number copied from the host would make the host wait.
    step_word = torch.full((1,), step & WORD, device=device) if isinstance(step, int) else step[..., None]
    purpose_word = torch.full((1,), int(purpose), device=device)
    c0, c1, c2, c3 = philox(key, torch.broadcast_tensors(block, sample[:, None], step_word, purpose_word))
    return torch.stack([torch.stack([c0, c2]), torch.stack([c1, c3])])
