"""Chunks of samples that a network sees at a time: all of one size, the last one as short as keeps the bits.

A matrix product chooses its order of summation by its shape, so a chunk of fewer samples may give them other last bits.
Whether it does depends on the processor and the network, and is asked of them: a chunk of a length not met before is
computed padded and short, and short from then on if that made no difference a few times. That is asked of even lengths
first. With an odd one the ends of vectors are left to scalar loops, which show in some samples and not in others, so it
is asked many times more, beside the even length that is one longer, where that costs little.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

Key = tuple[object, ...]
_ENOUGH = 3
"""How often short and whole must agree."""
_ENOUGH_ODD = 40
"""How often an odd length and the even one must: what shows in one sample of four passes with a chance of 1e-5."""


@dataclass(frozen=True, eq=False)
class Tails:
    """Which short chunks have the bits of whole ones, as far as is known; of one network.

    Attributes:
        agreed: How often a length had, until that is enough; 0 where it once had not.
    """

    agreed: dict[Key, int] = field(default_factory=dict)

    def output(self, call: Callable[[Tensor], Tensor], index: Tensor, chunk: int, key: Key) -> Tensor:
        """The network's output for the last, short chunk, (r, ...).

        Args:
            call: Samples by their numbers, (n,), to the network's output for them, (n, ...).
            index: (r,) the numbers of the chunk's samples.
            chunk: Samples in a whole chunk, more than r.
            key: All that kernels are chosen by beside the number of samples: shape, dtype.
        """
        count = len(index)
        even = count + count % 2
        if not self._known(even, key):
            return self._asked(call, index, (even, chunk), key)
        if count == even or self._known(count, key):
            return call(index)
        return self._asked(call, index, (count, even), key)

    def _asked(self, call: Callable[[Tensor], Tensor], index: Tensor, sizes: tuple[int, int], key: Key) -> Tensor:
        """The output by the larger of two sizes, whose bits are right; whether the smaller has them is kept."""
        size, larger = sizes
        right = call(_padded(index, larger))[: len(index)]
        asked = _place(size, key)
        times = self.agreed.get(asked)
        # An output of zeros, such as a fresh network's, tells nothing.
        if size < larger and times != 0 and bool(right.any()):
            same = torch.equal(right, call(_padded(index, size))[: len(index)])
            self.agreed[asked] = (times or 0) + 1 if same else 0
        return right

    def _known(self, size: int, key: Key) -> bool:
        """Whether this length is known to have the right bits."""
        return self.agreed.get(_place(size, key)) == (_ENOUGH_ODD if size % 2 else _ENOUGH)


def _place(size: int, key: Key) -> Key:
    return size, torch.is_grad_enabled(), torch.get_num_threads(), *key


def compiled(network: object) -> bool:
    """Whether it is compiled, and so would be compiled again for each length of chunks."""
    return isinstance(network, nn.Module) and hasattr(network, "_orig_mod")


def _padded(index: Tensor, size: int) -> Tensor:
    """Numbers of samples, the last of them as often as makes them ``size``."""
    return torch.cat([index, index[-1:].expand(size - len(index))]) if size > len(index) else index
