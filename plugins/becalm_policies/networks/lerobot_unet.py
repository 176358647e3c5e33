"""The U-Net of Diffusion Policy as LeRobot has it, weight for weight (Chi et al. 2023, section 3.1).

It differs from ``unet1d`` as its authors' code does: the noise level is told by its index in the table of betas,
i = t timesteps - 1; a channel is multiplied by the scale itself; the finest level is not joined on the way up, and no
level's end is padded. A network belongs to the table that it was trained with. Its weights have LeRobot's names.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.network.embedding import NoiseConditioned
from becalm_policies.networks.condition import Observed

_LAST_GROUPS = 8
"""Groups of the last block's norm, whatever those of the others are."""


class Block(nn.Module):
    """Convolution, group norm, Mish; the length stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int) -> None:
        super().__init__()
        convolution = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)
        self.block = nn.Sequential(convolution, nn.GroupNorm(groups, outputs), nn.Mish())

    def forward(self, h: Tensor) -> Tensor:
        output: Tensor = self.block(h)
        return output


class Residual(nn.Module):
    """Two convolutions; between them, the condition shifts every channel, and scales it where ``scales``."""

    def __init__(self, inputs: int, outputs: int, told: int, kernel: int, groups: int, *, scales: bool) -> None:
        super().__init__()
        self.scales = scales
        self.conv1 = Block(inputs, outputs, kernel, groups)
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(told, outputs * (1 + scales)))
        self.conv2 = Block(outputs, outputs, kernel, groups)
        self.residual_conv = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        moved, film = self.conv1(h), self.cond_encoder(told)[:, :, None]
        if self.scales:
            scale, shift = film.chunk(2, dim=1)
            moved = scale * moved + shift
        else:
            moved = moved + film
        output: Tensor = self.conv2(moved) + self.residual_conv(h)
        return output


class LeRobotUNet(NoiseConditioned):
    """LeRobot's conditional U-Net.

    Args:
        horizon: Tp, actions of a chunk, which must halve at every level but the last. actions: A, entries of an action.
        history: To, observations. features: F, entries of one observation's features.
        widths: Channels per level. kernel: Actions that a convolution sees, odd. groups: Of group norm.
        embedding: Entries that tell the noise level. timesteps: Of the table of betas.
        scales: Whether the condition scales channels, too.

    Raises:
        UserError: If the chunk does not halve so often.
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
        embedding: int,
        timesteps: int,
        scales: bool,
    ) -> None:
        super().__init__()
        if horizon % 2 ** (len(widths) - 1):
            raise UserError(f"horizon must be a multiple of {2 ** (len(widths) - 1)} for {len(widths)} widths")
        self.timesteps = timesteps
        # The first of the four has no weights: the waves come from the buffer.
        self.diffusion_step_encoder = nn.Sequential(
            nn.Identity(), nn.Linear(embedding, 4 * embedding), nn.Mish(), nn.Linear(4 * embedding, embedding)
        )
        told = embedding + history * features

        def two(inputs: int, outputs: int) -> list[nn.Module]:
            first = Residual(inputs, outputs, told, kernel, groups, scales=scales)
            return [first, Residual(outputs, outputs, told, kernel, groups, scales=scales)]

        coarser = [*(nn.Conv1d(width, width, 3, stride=2, padding=1) for width in widths[:-1]), nn.Identity()]
        levels = zip(pairwise((actions, *widths)), coarser, strict=True)
        self.down_modules = nn.ModuleList(nn.ModuleList([*two(*sizes), change]) for sizes, change in levels)
        self.mid_modules = nn.ModuleList(two(widths[-1], widths[-1]))
        self.up_modules = nn.ModuleList(
            nn.ModuleList([*two(2 * coarse, fine), nn.ConvTranspose1d(fine, fine, 4, stride=2, padding=1)])
            for coarse, fine in pairwise(reversed(widths))
        )
        last = Block(widths[0], widths[0], kernel, _LAST_GROUPS)
        self.final_conv = nn.Sequential(last, nn.Conv1d(widths[0], actions, 1))
        count = embedding // 2
        frequencies = torch.exp(-math.log(10_000) / (count - 1) * torch.arange(count, dtype=torch.float32))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The network's output, (B, Tp, A), at a scalar level or one per chunk."""
        index = (level.t.reshape(-1).double() * self.timesteps - 1).to(x.device, torch.float32)
        phase = index[:, None] * self.frequencies
        time = self.diffusion_step_encoder(torch.cat([phase.sin(), phase.cos()], dim=1).to(x.dtype))
        told = torch.cat([time.expand(len(x), -1), cond.features.flatten(1)], dim=1)
        h, kept = x.transpose(1, 2), []
        for stage in self.down_modules:
            first, second, coarser = stage.children()
            h = second(first(h, told), told)
            kept.append(h)
            h = coarser(h)
        for block in self.mid_modules:
            h = block(h, told)
        for stage in self.up_modules:
            first, second, finer = stage.children()
            h = finer(second(first(torch.cat([h, kept.pop()], dim=1), told), told))
        output: Tensor = self.final_conv(h)
        return output.transpose(1, 2)
