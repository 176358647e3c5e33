"""The noise that samplers ask for step by step."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from becalm.noise.numbers import Purpose, normal
from becalm.noise.philox import WORD


def stream(
    seed: int,
    sample: Tensor,
    purpose: Purpose = Purpose.STEP,
    first_step: int | Tensor = 0,
    rank: Tensor | None = None,
    expected: int = 0,
) -> Callable[[Tensor], Tensor]:
    """The samplers' ``noise``: call number k gives step first_step + k's noise of each sample.

    A draw of a few numbers takes as long as one of thousands, so several steps are drawn at once where they are small.

    Args:
        sample: (N,) number of the sample that each row of x belongs to. Rows of one sample must be neighbours.
        rank: (N,) each row's number within its sample; by default counted.
        expected: About how many calls there will be; 0 if nobody knows, and a few steps are drawn at a time.
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
            most, numbers = (expected - called, _NUMBERS) if called < expected else (_STEPS, _NUMBERS // 8)
            # Whoever is no sampler asks once, and pays for one at first.
            if purpose != Purpose.STEP and called == 0:
                most = 1
            count = min(most, max(1, numbers // max(like.numel(), 1)))
            drawn = iter(_block(seed, sample, step, count, purpose, shape, rank).unbind())
            noise = next(drawn)
        step, called = step + 1, called + 1
        return noise.to(like)

    return draw


_STEPS, _NUMBERS = 64, 2**17
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
    first = 0 if rank is None else rank * width
    steps = torch.arange(count, device=sample.device)[:, None] + (step & WORD)
    return normal(seed, sample, steps, purpose, tuple(shape), first)


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
