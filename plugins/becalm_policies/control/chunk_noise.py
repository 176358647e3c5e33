"""The noise of a policy's chunks: a function of (seed, environment's number, chunk's number) and of nothing else.

So an environment's noise does not depend on how many others are beside it. Generating takes as long as a step of a
small network, so the starts of several chunks are generated at a time.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from becalm.cond import to
from becalm.noise import Purpose, normal, stream
from becalm_policies.demonstrations.episodes import Indices

_ROWS = 64


class ChunkNoise:
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
        self._ahead = torch.empty(0, 0)

    def start(self, numbers: Indices, chunks: Indices) -> Tensor:
        """(B K, Tp, A) standard normal numbers to start chunk ``chunks[b]`` of environment ``numbers[b]`` from."""
        if not np.array_equal(numbers, self._numbers) or not self._holds(chunks):
            count = max(_ROWS // len(numbers), 1)
            words = self._words(chunks)
            flat = normal(self._seed, self._rows(numbers), 0, Purpose.START, (count * self._width,), words)
            self._ahead = flat.reshape(len(numbers), count, self._width)
            self._numbers, self._first = numbers.copy(), chunks.copy()
        if len(numbers) == 1:
            eps = self._ahead[:, int(chunks[0] - self._first[0])]
        else:
            index = to(torch.from_numpy(chunks - self._first), self._device)
            eps = self._ahead[torch.arange(len(numbers), device=self._device), index]
        return self._cut(eps)

    def steps(self, numbers: Indices, chunks: Indices, expected: int = 0) -> Callable[[Tensor], Tensor]:
        """A sampler's ``noise``: call number k of about ``expected`` gives step k's noise of these chunks."""
        draw: Callable[[Tensor], Tensor] | None = None

        def noise(like: Tensor) -> Tensor:
            nonlocal draw
            if draw is None:  # Most samplers never ask.
                # A chunk's place in its environment's stream is that of a row in a sample of several.
                rank = to(torch.from_numpy(chunks), self._device)
                draw = stream(self._seed, self._rows(numbers), Purpose.STEP, rank=rank, expected=expected)
            return draw(like.reshape(len(numbers), *self._shape)).reshape(like.shape)

        return noise

    def _holds(self, chunks: Indices) -> bool:
        index = chunks - self._first
        return bool((index >= 0).all() and (index < self._ahead.shape[1]).all())

    def _rows(self, numbers: Indices) -> Tensor:
        return to(torch.from_numpy(numbers), self._device)

    def _words(self, chunks: Indices) -> Tensor:
        return to(torch.from_numpy(chunks * self._width), self._device)

    def _cut(self, noise: Tensor) -> Tensor:
        return noise[:, : math.prod(self._shape)].reshape(-1, *self._shape[1:])
