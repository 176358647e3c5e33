"""A diffusion transformer with adaLN-Zero (Peebles and Xie 2023, section 3.2)."""

import torch
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm_images.networks.embedding import ClassAndNoise
from becalm_images.networks.layers import Modulation, attend, silence
from becalm_images.networks.margins import crop, margins, pad


class Layer(nn.Module):
    """Attention and a two-layer perceptron; the embedding scales, shifts and gates both, and starts every gate at 0."""

    def __init__(self, width: int, heads: int, *, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.modulate = Modulation(width, 6 * width)
        silence(self.modulate)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulate(embedding)[:, None].chunk(6, dim=-1)
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x) * (1 + scale1) + shift1)
        query, key, value = qkv.reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        x = x + gate1 * self.out(attend(query, key, value).transpose(1, 2).reshape(batch, tokens, width))
        moved: Tensor = x + gate2 * self.mlp(self.norm2(x) * (1 + scale2) + shift2)
        return moved


class DiT(nn.Module):
    """Noisy image, noise level and label to the network's output, of the image's shape.

    Args:
        image: (channels, height, width) of the images.
        classes: Number of classes; label ``classes`` is the null class.
        patch: Side of a token's square of pixels; other sizes get margins inside the network.
        outputs: Output channels per image channel: 2 with a learned variance, else 1.
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        classes: int,
        *,
        width: int,
        depth: int,
        heads: int,
        patch: int = 4,
        dropout: float = 0.0,
        embedding: str = "sinusoidal",
        outputs: int = 1,
    ) -> None:
        super().__init__()
        channels, height, breadth = image
        self.margins = margins(height, breadth, patch)
        self.patch, self.grid = patch, (-(-height // patch), -(-breadth // patch))
        self.embed = ClassAndNoise(classes, width, kind=embedding)
        self.enter = nn.Linear(channels * patch * patch, width)
        self.place = nn.Parameter(0.02 * torch.randn(self.grid[0] * self.grid[1], width))
        self.layers = nn.ModuleList([Layer(width, heads, dropout=dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = Modulation(width, 2 * width)
        self.leave = nn.Linear(width, outputs * channels * patch * patch)
        silence(self.modulate)
        silence(self.leave)

    def forward(self, x: Tensor, level: NoiseLevel, labels: Tensor) -> Tensor:
        """Runs the network.

        Args:
            x: Noisy images, (B, channels, height, width).
            level: Scalar level, or one per image.
            labels: (B,) integers in 0..classes, the last being the null class.
        """
        embedding = nn.functional.silu(self.embed(level, labels, x))
        tokens = nn.functional.pixel_unshuffle(pad(x, self.margins), self.patch).flatten(2).transpose(1, 2)
        hidden = self.enter(tokens) + self.place
        for layer in self.layers:
            hidden = layer(hidden, embedding)
        scale, shift = self.modulate(embedding)[:, None].chunk(2, dim=-1)
        out = self.leave(self.norm(hidden) * (1 + scale) + shift)
        return crop(nn.functional.pixel_shuffle(out.transpose(1, 2).unflatten(2, self.grid), self.patch), self.margins)
