"""A network in half precision for sampling: the weights of its matrix products cast once, where autocast casts them
anew in each call, to the same bits.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from becalm.denoiser.chunks import compiled

_PRODUCTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def narrowed(network: Any, dtype: torch.dtype) -> Any:
    """A copy for calls under autocast, whose dense and convolutional layers have weights of that dtype.

    Norms and the like stay as they are. What is no module, or compiled, is returned itself.
    """
    if not isinstance(network, nn.Module) or compiled(network):
        return network
    narrow = copy.deepcopy(network)
    for module in narrow.modules():
        if isinstance(module, _PRODUCTS):
            module.to(dtype)
    return narrow


@dataclass(eq=False)
class Narrow:
    """The last such copy, kept as long as no weight changes."""

    _made: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def of(self, network: Any, dtype: torch.dtype) -> Any:
        """The copy of a network, made anew if a weight has changed since."""
        weights = network.parameters() if isinstance(network, nn.Module) else ()
        key = (dtype, *((id(weight), weight._version) for weight in weights))
        if key not in self._made:
            self._made = {key: narrowed(network, dtype)}
        return self._made[key]
