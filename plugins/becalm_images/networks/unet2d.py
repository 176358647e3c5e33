"""The U-Net of diffusers (its ``UNet2DModel``), weight for weight: the same names, the same order of operations.

So a checkpoint with this network goes over to that library, and one of that library's comes here, as it stands. It is
the U-Net of Ho et al. 2020 with the choices of later ones. What it is told of the noise is not its level but the index
of a table of ``timesteps`` betas, i = t timesteps - 1, so a network belongs to the schedule that it was trained with.
"""

import math
from collections.abc import Collection, Sequence
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_images.networks.layers import Convolution, Modulation, silence
from becalm_images.networks.margins import crop, margins, pad

Conditioning = Literal["guided", "classes", "none"]
"""What a network knows of classes: them and a null class, them alone, nothing."""


class Resnet(nn.Module):
    """Two 3 x 3 convolutions with a residual, told of the noise between them."""

    def __init__(
        self, width_in: int, width: int, embedding: int, *, groups: int, epsilon: float, scaled: bool, dropout: float
    ) -> None:
        super().__init__()
        self.scaled = scaled
        self.norm1 = nn.GroupNorm(groups, width_in, eps=epsilon)
        self.conv1 = Convolution(width_in, width, 3, padding=1)
        self.time_emb_proj = Modulation(embedding, 2 * width if scaled else width)
        self.norm2 = nn.GroupNorm(groups, width, eps=epsilon)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = Convolution(width, width, 3, padding=1)
        self.conv_shortcut = Convolution(width_in, width, 1) if width_in != width else nn.Identity()
        silence(self.conv2)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        told = self.time_emb_proj(F.silu(embedding))[:, :, None, None]
        if self.scaled:
            scale, shift = told.chunk(2, dim=1)
            hidden = self.norm2(hidden) * (1 + scale) + shift
        else:
            hidden = self.norm2(hidden + told)
        out: Tensor = self.conv_shortcut(x) + self.conv2(self.dropout(F.silu(hidden)))
        return out


class Attention(nn.Module):
    """Self-attention over the pixels of a feature map, with a residual."""

    def __init__(self, width: int, *, heads: int, groups: int | None, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.group_norm = nn.GroupNorm(groups, width, eps=epsilon) if groups is not None else nn.Identity()
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        silence(cast(nn.Linear, self.to_out[0]))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, breadth = x.shape
        pixels = self.group_norm(x.flatten(2)).transpose(1, 2)
        query, key, value = (
            layer(pixels).reshape(batch, height * breadth, self.heads, -1).transpose(1, 2)
            for layer in (self.to_q, self.to_k, self.to_v)
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, -1, width)
        out: Tensor = self.to_out[0](mixed).transpose(1, 2).reshape(x.shape) + x
        return out


class Stage(nn.Module):
    """The blocks of one resolution, and the steps to the next one."""

    def __init__(
        self,
        resnets: Sequence[Resnet],
        attentions: Sequence[Attention],
        *,
        down: Sequence[nn.Module] = (),
        up: Sequence[nn.Module] = (),
    ) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        self.attentions = nn.ModuleList(attentions)
        self.downsamplers, self.upsamplers = nn.ModuleList(down), nn.ModuleList(up)

    def block(self, number: int, x: Tensor, embedding: Tensor) -> Tensor:
        """A residual block, and the attention after it where the resolution has it."""
        out: Tensor = self.resnets[number](x, embedding)
        return self.attentions[number](out) if number < len(self.attentions) else out


class Resize(nn.Module):
    """A convolution by the name ``conv``, as their steps between resolutions have it."""

    def __init__(self, width: int, *, stride: int, padding: int) -> None:
        super().__init__()
        self.padding = padding
        self.conv = Convolution(width, width, 3, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        # Without padding of its own the convolution gets one row and column at the far edges.
        out: Tensor = self.conv(x if self.padding else F.pad(x, (0, 1, 0, 1)))
        return out


class Perceptron(nn.Module):
    """Two layers, for the embedding of the noise."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(width_in, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear_2(F.silu(self.linear_1(x)))
        return out


class UNet2D(nn.Module):
    """Noisy image, noise level and label to the network's output, of the image's shape.

    Args:
        image: (channels, height, width) of the images; sides that do not divide by 2 ** (len(widths) - 1) get margins
            inside the network, which diffusers' has not.
        classes: Number of classes; with ``conditioning`` guided, label ``classes`` is the null class.
        outputs: Output channels per image channel: 2 with a learned variance, else 1.

    The others are those of ``architecture.UNet2DShape``.
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        classes: int,
        *,
        widths: Sequence[int],
        blocks: int,
        attention: Collection[int],
        middle_attention: bool,
        head_width: int | None,
        groups: int,
        middle_groups: int | None,
        epsilon: float,
        scaled: bool,
        padding: int,
        dropout: float,
        timesteps: int,
        cosine_first: bool,
        shift: int,
        conditioning: Conditioning,
        outputs: int = 1,
    ) -> None:
        super().__init__()
        channels, height, breadth = image
        self.margins = margins(height, breadth, 2 ** (len(widths) - 1))
        size = 4 * widths[0]
        self.timesteps, self.cosine_first, self.shift, self.width = timesteps, cosine_first, shift, widths[0]
        self.conv_in = Convolution(channels, widths[0], 3, padding=1)
        self.time_embedding = Perceptron(widths[0], size)
        known = classes + (conditioning == "guided")
        self.class_embedding = nn.Embedding(known, size) if conditioning != "none" else None

        def resnet(width_in: int, width: int) -> Resnet:
            return Resnet(width_in, width, size, groups=groups, epsilon=epsilon, scaled=scaled, dropout=dropout)

        def attend(width: int, norm: int | None = groups) -> Attention:
            return Attention(width, heads=width // (head_width or width), groups=norm, epsilon=epsilon)

        last, skips, current = len(widths) - 1, [widths[0]], widths[0]
        down: list[Stage] = []
        for rank, width in enumerate(widths):
            resnets = [resnet(current if number == 0 else width, width) for number in range(blocks)]
            attentions = [attend(width) for _ in range(blocks if rank in attention else 0)]
            steps = [Resize(width, stride=2, padding=padding)] if rank < last else []
            down.append(Stage(resnets, attentions, down=steps))
            skips += [width] * (blocks + (rank < last))
            current = width
        self.down_blocks = nn.ModuleList(down)
        middle_norm = middle_groups if middle_groups is not None else None if scaled else groups
        middle = [attend(current, middle_norm)] if middle_attention else []
        self.mid_block = Stage([resnet(current, current), resnet(current, current)], middle)
        up: list[Stage] = []
        for rank in reversed(range(len(widths))):
            resnets = []
            for _ in range(blocks + 1):
                resnets.append(resnet(current + skips.pop(), widths[rank]))
                current = widths[rank]
            attentions = [attend(current) for _ in range(blocks + 1 if rank in attention else 0)]
            up.append(Stage(resnets, attentions, up=[Resize(current, stride=1, padding=1)] if rank else []))
        self.up_blocks = nn.ModuleList(up)
        self.conv_norm_out = nn.GroupNorm(groups, current, eps=epsilon)
        self.conv_out = Convolution(current, outputs * channels, 3, padding=1)
        silence(self.conv_out)

    def forward(self, x: Tensor, level: NoiseLevel, labels: Tensor) -> Tensor:
        """Runs the network.

        Args:
            x: Noisy images, (B, channels, height, width).
            level: Scalar level, or one per image.
            labels: (B,) integers; unused without classes.
        """
        # The time of a sampler's level is on the host, which does not wait for this copy.
        index = (level.t.reshape(-1).double() * self.timesteps - 1).to(x.device, torch.float32, non_blocking=True)
        embedding = self.time_embedding(self._waves(index).to(self.conv_in.weight.dtype))
        if self.class_embedding is not None:
            embedding = embedding + self.class_embedding(labels)
        hidden = self.conv_in(pad(x, self.margins))
        skips = [hidden]
        for stage in cast(Sequence[Stage], self.down_blocks):
            for number in range(len(stage.resnets)):
                hidden = stage.block(number, hidden, embedding)
                skips.append(hidden)
            for step in stage.downsamplers:
                hidden = step(hidden)
                skips.append(hidden)
        hidden = self.mid_block.block(0, hidden, embedding)
        hidden = self.mid_block.block(1, hidden, embedding)
        for stage in cast(Sequence[Stage], self.up_blocks):
            for number in range(len(stage.resnets)):
                hidden = stage.block(number, torch.cat([hidden, skips.pop()], dim=1), embedding)
            for step in stage.upsamplers:
                hidden = step(F.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return crop(self.conv_out(F.silu(self.conv_norm_out(hidden))), self.margins)

    def _waves(self, index: Tensor) -> Tensor:
        """Sines and cosines of the index, (B, width); frequencies from 1 down to 1e-4 (Vaswani et al. 2017)."""
        half = self.width // 2
        exponent = -math.log(10_000) * torch.arange(half, dtype=torch.float32, device=index.device)
        phase = index[:, None] * torch.exp(exponent / (half - self.shift))[None]
        parts = [phase.cos(), phase.sin()] if self.cosine_first else [phase.sin(), phase.cos()]
        return torch.cat(parts, dim=1)
