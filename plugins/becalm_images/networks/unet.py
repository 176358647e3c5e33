"""A U-Net for small images: residual blocks, attention at the low resolution, one embedding for noise and class.

The image is first folded by a pixel-unshuffle (space to depth), so that no convolution runs at full resolution, where a
CPU would spend most of its time for little: 28 x 28 becomes 14 x 14 and 7 x 7. Ho et al. 2020 (residual blocks),
Dhariwal and Nichol 2021 (scale-shift conditioning), Hoogeboom et al. 2023 (folding).
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_images.networks.embedding import ClassAndNoise
from becalm_images.networks.layers import Modulation, attend, silence
from becalm_images.networks.margins import crop, margins, pad


class Block(nn.Module):
    """Two 3 x 3 convolutions with a residual; the embedding scales and shifts between them."""

    def __init__(self, width_in: int, width: int, embedding: int, *, groups: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, width_in)
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.modulate = Modulation(embedding, 2 * width)
        self.norm2 = nn.GroupNorm(groups, width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.skip = nn.Conv2d(width_in, width, 1) if width_in != width else nn.Identity()
        # A zero last layer makes each block the identity at first, so that depth does not hurt early training.
        silence(self.conv2)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = self.norm2(hidden) * (1 + scale) + shift
        out: Tensor = self.skip(x) + self.conv2(self.dropout(F.silu(hidden)))
        return out


class Attention(nn.Module):
    """Self-attention over the pixels of a feature map, with a residual."""

    def __init__(self, width: int, *, heads: int, groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        silence(self.out)

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, breadth = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, width // self.heads, height * breadth)
        query, key, value = qkv.transpose(-1, -2).unbind(1)
        mixed = attend(query, key, value)
        out: Tensor = x + self.out(mixed.transpose(-1, -2).reshape(batch, width, height, breadth))
        return out


class UNet(nn.Module):
    """Noisy image, noise level and label to the network's output, of the image's shape.

    Args:
        image: (channels, height, width) of the images.
        classes: Number of classes; label ``classes`` is the null class.
        widths: Channels at each resolution, finest first; each further one halves height and width.
        blocks: Residual blocks per resolution on the way down (one more on the way up).
        fold: Side of the pixel-unshuffle; sides that do not divide by ``fold * 2 ** (len(widths) - 1)`` get margins
            inside the network.
        attention: Resolutions with attention, counted from the coarsest.
        outputs: Output channels per image channel: 2 with a learned variance, else 1.
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        classes: int,
        *,
        widths: tuple[int, ...],
        blocks: int,
        fold: int = 2,
        attention: int = 1,
        heads: int = 4,
        groups: int = 8,
        dropout: float = 0.0,
        embedding: str = "sinusoidal",
        outputs: int = 1,
    ) -> None:
        super().__init__()
        channels, height, width = image
        self.fold, self.margins = fold, margins(height, width, fold * 2 ** (len(widths) - 1))
        size = 4 * widths[0]
        self.embed = ClassAndNoise(classes, size, kind=embedding)
        self.enter = nn.Conv2d(channels * fold * fold, widths[0], 3, padding=1)
        attends = [len(widths) - rank <= attention for rank in range(len(widths))]

        def stage(width_in: int, width: int, attention: bool) -> nn.ModuleList:
            block = Block(width_in, width, size, groups=groups, dropout=dropout)
            return nn.ModuleList([block, Attention(width, heads=heads, groups=groups) if attention else nn.Identity()])

        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        skips, current = [widths[0]], widths[0]
        for rank, width_here in enumerate(widths):
            for _ in range(blocks):
                self.down.append(stage(current, width_here, attends[rank]))
                current = width_here
                skips.append(current)
            if rank + 1 < len(widths):
                self.shrink.append(nn.Conv2d(current, current, 3, stride=2, padding=1))
                skips.append(current)
        self.middle = nn.ModuleList([stage(current, current, True), stage(current, current, False)])
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for rank in reversed(range(len(widths))):
            for _ in range(blocks + 1):
                self.up.append(stage(current + skips.pop(), widths[rank], attends[rank]))
                current = widths[rank]
            if rank:
                self.grow.append(nn.Conv2d(current, current, 3, padding=1))
        self.blocks = blocks
        last = nn.Conv2d(current, outputs * channels * fold * fold, 3, padding=1)
        silence(last)
        self.leave = nn.Sequential(nn.GroupNorm(groups, current), nn.SiLU(), last)

    def forward(self, x: Tensor, level: NoiseLevel, labels: Tensor) -> Tensor:
        """Runs the network.

        Args:
            x: Noisy images, (B, channels, height, width).
            level: Scalar level, or one per image.
            labels: (B,) integers in 0..classes, the last being the null class.
        """
        embedding = F.silu(self.embed(level, labels, x))
        folded = F.pixel_unshuffle(pad(x, self.margins), self.fold)
        hidden = self.enter(folded.contiguous(memory_format=torch.channels_last))
        skips = [hidden]
        for index, pair in enumerate(self.down):
            hidden = _through(pair, hidden, embedding)
            skips.append(hidden)
            rank, last = divmod(index, self.blocks)
            if last == self.blocks - 1 and rank < len(self.shrink):
                hidden = self.shrink[rank](hidden)
                skips.append(hidden)
        for pair in self.middle:
            hidden = _through(pair, hidden, embedding)
        for index, pair in enumerate(self.up):
            hidden = _through(pair, torch.cat([hidden, skips.pop()], dim=1), embedding)
            rank, last = divmod(index, self.blocks + 1)
            if last == self.blocks and rank < len(self.grow):
                hidden = self.grow[rank](F.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return crop(F.pixel_shuffle(self.leave(hidden), self.fold), self.margins)


def _through(pair: nn.Module, hidden: Tensor, embedding: Tensor) -> Tensor:
    """A residual block, and attention where the resolution has it."""
    block, attention = cast(nn.ModuleList, pair)
    out: Tensor = attention(block(hidden, embedding))
    return out
