"""A U-Net along the chunk's time, told of observation and noise level by FiLM (Chi et al. 2023, section 3.1).

Each block convolves twice over five actions; between the two, the condition scales and shifts every channel. As the
authors' code, with two changes: a channel is multiplied by 1 + scale, and the finest level too is joined on the way up.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.layers import WAVES, silence


class Convolved(nn.Sequential):
    """Convolution, group norm, Mish; the length stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int) -> None:
        super().__init__(
            nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(groups, outputs), nn.Mish()
        )


class Residual(nn.Module):
    """Two convolutions, the condition between them, and a way around both."""

    def __init__(self, inputs: int, outputs: int, told: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.before = Convolved(inputs, outputs, kernel, groups)
        self.film = nn.Linear(told, 2 * outputs)
        self.after = Convolved(outputs, outputs, kernel, groups)
        self.around = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.film(told)[:, :, None].chunk(2, dim=1)
        output: Tensor = self.around(h) + self.after(self.before(h) * (1 + scale) + shift)
        return output


class Two(nn.Module):
    """Two blocks, as every level has on its way down and on its way up."""

    def __init__(self, inputs: int, outputs: int, told: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.first = Residual(inputs, outputs, told, kernel, groups)
        self.second = Residual(outputs, outputs, told, kernel, groups)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        output: Tensor = self.second(self.first(h, told), told)
        return output


class UNet1D(NoiseConditioned):
    """The conditional U-Net of chunks of any length: its end is repeated until it halves at every level.

    Args:
        horizon: Tp, actions of a chunk. actions: A, entries of an action.
        history: To, observations. features: F, entries of one observation's features.
        widths: Channels per level, coarser and coarser; each level but the last halves the length.
        kernel: Actions that a convolution sees, odd. groups: Of group norm; every width must divide by it.
    """

    def __init__(
        self,
        horizon: int,
        actions: int,
        history: int,
        features: int,
        *,
        widths: tuple[int, ...],
        kernel: int,
        groups: int,
    ) -> None:
        super().__init__()
        size = 4 * widths[0]
        told = size + history * features
        self.noise = nn.Sequential(nn.Linear(2 * WAVES, size), nn.Mish(), nn.Linear(size, size))
        self.multiple = 2 ** (len(widths) - 1)
        self.down, self.coarser, self.up, self.finer = (nn.ModuleList() for _ in range(4))

        def two(inputs: int, outputs: int) -> Two:
            return Two(inputs, outputs, told, kernel, groups)

        for inputs, outputs in pairwise((actions, *widths)):
            self.down.append(two(inputs, outputs))
        self.middle = two(widths[-1], widths[-1])
        for width in widths[:-1]:
            self.coarser.append(nn.Conv1d(width, width, 3, stride=2, padding=1))
        for fine, coarse in zip(reversed(widths[:-1]), reversed(widths[1:]), strict=True):
            self.up.append(two(2 * coarse, fine))
            self.finer.append(nn.ConvTranspose1d(fine, fine, 4, stride=2, padding=1))
        self.leave = Convolved(2 * widths[0], widths[0], kernel, groups)
        self.last = nn.Conv1d(widths[0], actions, 1)
        silence(self.last)
        self.register_buffer("frequencies", geometric(WAVES, 100.0), persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The network's output, (B, Tp, A), at a scalar level or one per chunk."""
        noise = self.noise(waves(level, self.frequencies, x)).expand(len(x), -1)
        told = F.mish(torch.cat([noise, cond.features.flatten(1)], dim=1))
        h = x.transpose(1, 2)
        h = F.pad(h, (0, -x.shape[1] % self.multiple), mode="replicate")
        kept: list[Tensor] = []
        for number, blocks in enumerate(self.down):
            h = blocks(h, told)
            kept.append(h)
            if number < len(self.coarser):
                h = self.coarser[number](h)
        h = self.middle(h, told)
        for blocks, finer in zip(self.up, self.finer, strict=True):
            h = finer(blocks(torch.cat([h, kept.pop()], dim=1), told))
        output: Tensor = self.last(self.leave(torch.cat([h, kept.pop()], dim=1)))
        return output.transpose(1, 2)[:, : x.shape[1]]
