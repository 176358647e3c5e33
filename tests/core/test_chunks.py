"""A short chunk is computed short only where that has been seen, more than once, to keep the bits of a whole one."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from becalm.denoiser.chunks import Tails

CHUNK = 16
Call = Callable[[Tensor], Tensor]


def counting(differ: Callable[[int, int], bool]) -> tuple[Call, list[int]]:
    """A network whose output has other bits where ``differ`` says so, of call and length; and the lengths it saw."""
    lengths: list[int] = []

    def call(index: Tensor) -> Tensor:
        lengths.append(len(index))
        return index[:, None].double() + 1 + 1e-12 * differ(len(lengths), len(index))

    return call, lengths


def drawn(call: Call, count: int, times: int) -> None:
    tails = Tails()
    for _ in range(times):
        assert tails.output(call, torch.arange(count), CHUNK, ()).tolist() == [[1.0 + rank] for rank in range(count)]


@pytest.mark.parametrize(("count", "short"), [(1, 2), (2, 2), (7, 8), (13, 14)])
def test_lengths_are_even_and_short_from_the_fourth_time_on(count: int, short: int) -> None:
    call, lengths = counting(lambda number, length: length % 2 == 1)
    drawn(call, count, 6)
    assert lengths == [*[CHUNK, short] * 3, *[short] * 3]


def test_a_length_that_differs_once_is_never_short() -> None:
    call, lengths = counting(lambda number, length: length == 4 and number > 2)
    drawn(call, 4, 6)
    assert lengths == [CHUNK, 4, CHUNK, 4, *[CHUNK] * 4]


def test_a_chunk_that_lacks_one_sample_is_whole() -> None:
    call, lengths = counting(lambda number, length: False)
    drawn(call, 15, 4)
    assert lengths == [CHUNK] * 4
