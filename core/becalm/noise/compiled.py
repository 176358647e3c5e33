"""Philox as a compiled loop. Imports numba, which the core does without: imported only where it has been."""

from contextlib import suppress
from typing import Any

import numba
import numpy as np

_LOOP = {"nogil": True, "error_model": "numpy", "_nrt": False}
_HALF, _WORD = np.uint64(32), np.uint64(0xFFFFFFFF)
_FIRST, _SECOND = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL, _OTHER = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


def _rounds(key: Any, words: Any) -> None:
    """Turns counters into words, in place: (2, 2, N), as ``philox.Words`` has them, by a key (2,).

    One array and one axis, so that the compiler sees that several counters can be taken at once.
    """
    for place in range(words.shape[2]):
        c0, c1, c2, c3 = words[0, 0, place], words[1, 0, place], words[0, 1, place], words[1, 1, place]
        k0, k1 = key[0], key[1]
        for _ in range(10):
            first, second = c0 * _FIRST, c2 * _SECOND
            c0, c1 = (second >> _HALF) ^ c1 ^ k0, second & _WORD
            c2, c3 = (first >> _HALF) ^ c3 ^ k1, first & _WORD
            k0, k1 = (k0 + _WEYL) & _WORD, (k1 + _OTHER) & _WORD
        words[0, 0, place], words[1, 0, place], words[0, 1, place], words[1, 1, place] = c0, c1, c2, c3


rounds = numba.njit(**_LOOP)(_rounds)
# Kept on disk, unless neither the folder of the source nor that of the user can be written to.
with suppress(RuntimeError):
    rounds = numba.njit(cache=True, **_LOOP)(_rounds)
