"""What a network makes of a condition alone, such as of a picture: once for a walk or a training step, not per call.

Whoever calls a network many times under one condition embeds it first, and calls it with what comes back. A network is
called with conditions that are not embedded, too, and then does it itself.
"""

from typing import Any, Protocol, TypeVar, runtime_checkable

import torch

from becalm.cond import join, size, take

C = TypeVar("C")


@runtime_checkable
class Embeds(Protocol[C]):
    """A network with a part that sees the condition alone."""

    def embed(self, cond: C) -> C:
        """The condition with what that part makes of it."""

    def bare(self, cond: C) -> C:
        """The condition without it, as it was; for another network, or other weights."""


def embeds(network: Any) -> bool:
    """Whether a network has such a part."""
    return hasattr(network, "embed") and hasattr(network, "bare")  # A protocol takes tens of microseconds to ask.


def embed(network: Any, cond: C, chunk: int | None = None) -> C:
    """The condition as calls of a network go quickest with it; itself for a network without such a part.

    Args:
        chunk: Samples at a time, the last ones padded, as ``NetworkDenoiser`` has it; None for all at once.
    """
    if not embeds(network):
        return cond
    count = size(cond)
    if chunk is None or count is None:
        embedded: C = network.embed(cond)
        return embedded
    rows = torch.arange(count + -count % chunk).clamp(max=count - 1)
    whole: C = join([network.embed(take(cond, part)) for part in rows.split(chunk)])
    return take(whole, torch.arange(count))
