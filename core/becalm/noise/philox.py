"""Philox4x32-10 (Salmon et al. 2011): the same bits on every device, from tensors, arrays or a compiled loop."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

WORD = 0xFFFFFFFF
_FACTORS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)[:, None, None]
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)[:, None, None]


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


def philox_on_cpu(key: tuple[int, int], counter: Sequence[Any], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The words of ``philox``, (*shape, 4), of counters that broadcast to the shape.

    By a compiled loop, two to four times as fast, where numba has been imported: importing it takes as long as ten
    million words.
    """
    if "numba" not in sys.modules:
        return philox_by_arrays(key, counter, shape)
    from becalm.noise.compiled import fill

    words = np.empty((*shape, 4), np.uint64)
    fill(np.array(key, np.uint64), *(np.broadcast_to(part, shape) for part in counter), words)
    return words.view(np.int64)


def philox_by_arrays(key: tuple[int, int], counter: Sequence[Any], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The words of ``philox``, (*shape, 4), of counters that broadcast to the shape: numpy's unsigned arithmetic, in
    place and on both halves of a round at once, which is much faster than tensors here.
    """
    even, odd = np.empty((2, *shape), np.int64), np.empty((2, *shape), np.int64)
    even[0], odd[0], even[1], odd[1] = counter
    even, odd = even.view(np.uint64), odd.view(np.uint64)
    product, high = np.empty_like(even), np.empty_like(even)
    keys, word, half = np.array(key, np.uint64)[:, None, None], np.uint64(WORD), np.uint64(32)
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
