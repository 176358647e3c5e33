"""Some entries of a program on their way through a network: so few that they stay in a processor's cache."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from becalm_programs.denoiser.kernels import activate, leave, normalise, to_entries
from becalm_programs.denoiser.network import Round
from becalm_programs.problem.standard_form import ROW_FEATURES

Norm = tuple[np.float32, Any, Any]
"""Of a layer norm of width W: what keeps it from dividing by 0, its weight and its bias, (W,)."""


class RoundWeights:
    """The weights of a round of messages, and what rows know of themselves.

    Attributes:
        norm, up: The norms of entries and of what they hear.
        down, first, second: (in, out) of products.
        bias_first, bias: (W,) of the first and the second product.
        known: (M, W) what each row knows. by_state: (4, W) what its state is multiplied with.
    """

    def __init__(self, layer: Round, row_features: Tensor) -> None:
        self.norm, self.up = norm_of(layer.norm), norm_of(layer.up)
        self.down, self.first, self.second = (
            each.weight.detach().T for each in (layer.down, layer.first, layer.second)
        )
        self.bias_first, self.bias = arrays(layer.first.bias, layer.second.bias)
        weight = layer.state.weight.detach()
        known = torch.addmm(layer.state.bias.detach(), row_features, weight[:, :ROW_FEATURES].T)
        self.known, self.by_state = arrays(known, weight[:, ROW_FEATURES:].T)


class Tile:
    """Some entries, S samples of each, R in all.

    Args:
        h: (R, W) what they hold. down: (R, W) what they say. normal: (R, 2 W) norms of both, what they hold and hear.
        mixed: (R, W) to work in. transposed: Of their rows of the transposed matrix.
    """

    def __init__(self, h: Tensor, down: Tensor, mixed: Tensor, transposed: tuple[Any, Any, Any]) -> None:
        samples, width = h.shape[1:]
        self._h, self._down, self._mixed = h.flatten(0, 1), down.flatten(0, 1), mixed[: h.shape[0] * samples]
        self._normal = torch.empty(len(self._h), 2 * width, dtype=torch.float32)
        self._inner, self._transposed = self._normal[:, :width], transposed
        self._held, self._both, self._work = arrays(self._h, self._normal, self._mixed)
        self._total = np.empty(samples * width, np.float32)

    @classmethod
    def split(cls, h: Tensor, down: Tensor, transposed: tuple[Any, Any, Any], size: int) -> list["Tile"]:
        """Entries (N, S, W) in tiles of so many."""
        (start, *cells), mixed = transposed, torch.empty(size * h.shape[1], h.shape[2], dtype=torch.float32)
        return [
            cls(h[first : first + size], down[first : first + size], mixed, (start[first : first + size + 1], *cells))
            for first in range(0, len(h), size)
        ]

    def normalise(self, norm: Norm, shift: Any) -> None:
        """Looks at what entries hold, moved by ``shift`` (W,)."""
        eps, weight, bias = norm
        normalise(eps, self._held, shift, weight, bias, self._both)

    def send(self, weights: RoundWeights) -> None:
        """What entries say to rows."""
        torch.mm(self._inner, weights.down, out=self._down)

    def hear(self, rows: Any, weights: RoundWeights) -> None:
        """Entries hear the rows (M, S W), and add what they make of it, but for a bias."""
        eps, weight, bias = weights.up
        to_entries(eps, *self._transposed, rows, weight, bias, self._total, self._both)
        torch.mm(self._normal, weights.first, out=self._mixed)
        activate(self._work, weights.bias_first)
        self._h.addmm_(self._mixed, weights.second)

    def leave(self, mix: nn.Linear, _: nn.Module, last: nn.Linear) -> Tensor:
        """(R,) what the last layers make of entries."""
        torch.mm(self._inner, mix.weight.detach().T, out=self._mixed)
        logit = torch.empty(len(self._mixed), dtype=torch.float32)
        leave(self._work, *arrays(mix.bias, last.weight[0], logit))
        return logit + last.bias.detach()


def norm_of(norm: nn.LayerNorm) -> Norm:
    """A layer norm as compiled loops take it."""
    weight, bias = arrays(norm.weight, norm.bias)
    return np.float32(norm.eps), weight, bias


def arrays(*tensors: Tensor) -> tuple[Any, ...]:
    """Tensors as compiled loops take them, without a copy where they lie in order."""
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)
