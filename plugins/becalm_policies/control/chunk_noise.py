"""The noise of a policy's chunks: a function of (seed, environment's number, chunk's number) and of nothing else.

So an environment's actions do not depend on how many others are beside it. A draw costs as much as a step of a small
network, so the starts of several chunks are drawn at a time.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from becalm.noise import Purpose, normal

Numbers = npt.NDArray[np.int64]
_ROWS = 64


class Draws:
    """Noise by environment and chunk.

    Args:
        shape: (K, Tp, A): candidates, and one chunk in diffusion space.
    """

    def __init__(self, seed: int, shape: tuple[int, ...], device: torch.device) -> None:
        self._seed = seed
        self._shape = shape
        self._width = -(-math.prod(shape) // 4) * 4
        self._device = device
        self._numbers = self._first = np.zeros(0, np.int64)
        self._drawn = torch.empty(0, 0)

    def start(self, numbers: Numbers, chunks: Numbers) -> Tensor:
        """(B K, Tp, A) standard normal numbers to start chunk ``chunks[b]`` of environment ``numbers[b]`` from."""
        ahead = self._drawn.shape[1]
        if not np.array_equal(numbers, self._numbers) or not self._within(chunks - self._first, ahead):
            ahead = max(_ROWS // len(numbers), 1)
            words = self._words(chunks)
            drawn = normal(self._seed, self._rows(numbers), 0, Purpose.START, (ahead * self._width,), words)
            self._drawn = drawn.reshape(len(numbers), ahead, self._width)
            self._numbers, self._first = numbers.copy(), chunks.copy()
        if len(numbers) == 1:
            eps = self._drawn[:, int(chunks[0] - self._first[0])]
        else:
            place = torch.from_numpy(chunks - self._first).to(self._device)
            eps = self._drawn[torch.arange(len(numbers), device=self._device), place]
        return self._cut(eps)

    def steps(self, numbers: Numbers, chunks: Numbers) -> Callable[[Tensor], Tensor]:
        """A sampler's ``noise``: call number k gives step k's noise of these chunks."""
        count = iter(range(2**32))

        def draw(like: Tensor) -> Tensor:
            rows, words = self._rows(numbers), self._words(chunks)
            drawn = normal(self._seed, rows, next(count), Purpose.STEP, (self._width,), words)
            return self._cut(drawn).to(like)

        return draw

    def _within(self, offset: Numbers, ahead: int) -> bool:
        return bool((offset >= 0).all() and (offset < ahead).all())

    def _rows(self, numbers: Numbers) -> Tensor:
        return torch.from_numpy(numbers).to(self._device)

    def _words(self, chunks: Numbers) -> Tensor:
        return torch.from_numpy(chunks * self._width).to(self._device)

    def _cut(self, drawn: Tensor) -> Tensor:
        return drawn[:, : math.prod(self._shape)].reshape(-1, *self._shape[1:])
