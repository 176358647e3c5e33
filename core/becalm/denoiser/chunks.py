"""Chunks of samples that a network sees at a time: all of one size, the last one as short as keeps the bits.

A matrix product chooses its order of summation by its shape, so a chunk of fewer samples may give them other last bits.
Whether it does depends on the processor and the network, and is asked of them: a chunk of a length not met before is
computed padded and short, and short from then on if that made no difference a few times. Lengths are even: with an odd
one the ends of vectors are left to scalar loops, which show in some samples and not in others, so asking proves little.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

Key = tuple[object, ...]
_ENOUGH = 3
"""How often short and whole must agree."""


@dataclass(frozen=True, eq=False)
class Tails:
    """Which short chunks have the bits of whole ones, as far as is known; of one network.

    Attributes:
        agreed: How often they had, until ``_ENOUGH``; 0 where they once had not.
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
        size = count + count % 2
        asked = (size, torch.is_grad_enabled(), torch.get_num_threads(), *key)
        times = self.agreed.get(asked)
        if times == _ENOUGH:
            return call(_padded(index, size))[:count]
        whole = call(_padded(index, chunk))[:count]
        # An output of zeros, such as a fresh network's, tells nothing.
        if size < chunk and times != 0 and bool(whole.any()):
            same = torch.equal(whole, call(_padded(index, size))[:count])
            self.agreed[asked] = (times or 0) + 1 if same else 0
        return whole


def compiled(network: object) -> bool:
    """Whether it is compiled, and so would be compiled again for each length of chunks."""
    return isinstance(network, nn.Module) and hasattr(network, "_orig_mod")


def _padded(index: Tensor, size: int) -> Tensor:
    """Numbers of samples, the last of them as often as makes them ``size``."""
    return torch.cat([index, index[-1:].expand(size - len(index))]) if size > len(index) else index
