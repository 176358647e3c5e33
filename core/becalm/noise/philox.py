"""Philox4x32-10 (Salmon et al. 2011): the same bits on every device, from tensors, arrays or a compiled loop."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

WORD = 0xFFFFFFFF
# As arrays without axes they cost half of what numbers do, which numpy would wrap anew in each operation.
_FIRST, _SECOND = np.array(0xD2511F53, np.uint64), np.array(0xCD9E8D57, np.uint64)
_HALF, _LOW = np.array(32, np.uint64), np.array(WORD, np.uint64)

Words = npt.NDArray[np.int64]
"""(2, 2, ...): of each counter the first and third words, then the second and fourth, which is how rounds take them."""


def philox(
    key: tuple[int, int], counter: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox4x32-10: four 32-bit words per counter, as int64 tensors of the counters' common shape."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        # The product of two 32-bit words wraps in int64, but its bits are right, and only the bits are used.
        first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1 = ((second >> 32) & WORD) ^ c1 ^ k0, second & WORD
        c2, c3 = ((first >> 32) & WORD) ^ c3 ^ k1, first & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def philox_on_cpu(key: tuple[int, int], counter: Sequence[Any]) -> Words:
    """The words of ``philox``, of arrays or numbers that broadcast.

    By a compiled loop, many times as fast, where numba has been imported: importing it takes as long as fifty million
    words.
    """
    words = np.empty((2, 2, *np.broadcast(*counter).shape), np.int64)
    words[0, 0], words[1, 0], words[0, 1], words[1, 1] = counter
    if "numba" in sys.modules:
        from becalm.noise.compiled import rounds

        rounds(np.array(key, np.uint64), words.view(np.uint64).reshape(2, 2, -1))
    else:
        rounds_of_arrays(key, words.view(np.uint64))
    return words


def rounds_of_arrays(key: tuple[int, int], words: npt.NDArray[np.uint64]) -> None:
    """Turns counters into words, in place: by numpy's unsigned arithmetic, mostly on both halves of a round at once,
    which is much faster than tensors here.
    """
    even, odd = words
    product = np.empty_like(even)
    (c0, c2), (second, first) = even, product
    for k0, k1 in _keys(*key):
        np.multiply(c0, _FIRST, first)
        np.multiply(c2, _SECOND, second)
        # The words cross over: what was c2 goes into c0, and what was c0 into c2.
        np.right_shift(product, _HALF, even)
        even ^= odd
        c0 ^= k0
        c2 ^= k1
        np.bitwise_and(product, _LOW, odd)


def _keys(k0: int, k1: int) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]]:
    """The keys of the rounds, as arrays without axes."""
    for _ in range(10):
        yield np.array(k0, np.uint64), np.array(k1, np.uint64)
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
