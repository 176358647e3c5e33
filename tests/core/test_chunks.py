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


@pytest.mark.parametrize("count", [2, 8, 14])
def test_an_even_length_is_short_from_the_fourth_time_on(count: int) -> None:
    call, lengths = counting(lambda number, length: False)
    drawn(call, count, 6)
    assert lengths == [*[CHUNK, count] * 3, *[count] * 3]


@pytest.mark.parametrize("count", [1, 7, 13])
def test_an_odd_length_is_short_once_it_agreed_forty_times_with_the_even_one(count: int) -> None:
    call, lengths = counting(lambda number, length: False)
    drawn(call, count, 45)
    assert lengths == [*[CHUNK, count + 1] * 3, *[count + 1, count] * 40, *[count] * 2]


@pytest.mark.parametrize("count", [1, 7, 13])
def test_an_odd_length_that_differs_late_is_never_short(count: int) -> None:
    call, lengths = counting(lambda number, length: length == count and number > 60)
    drawn(call, count, 60)
    asked = lengths.index(count, 60) + 1  # where it differs
    assert lengths[asked:] == [count + 1] * (len(lengths) - asked)


def test_a_length_that_differs_once_is_never_short() -> None:
    call, lengths = counting(lambda number, length: length == 4 and number > 2)
    drawn(call, 4, 6)
    assert lengths == [CHUNK, 4, CHUNK, 4, *[CHUNK] * 4]


def test_a_chunk_that_lacks_one_sample_is_whole() -> None:
    call, lengths = counting(lambda number, length: False)
    drawn(call, 15, 4)
    assert lengths == [CHUNK] * 4
