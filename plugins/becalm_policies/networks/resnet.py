"""The trunk of ResNet-18 and ResNet-34 (He et al. 2016, table 1), its weights named as torchvision's in a sequence.

    7 x 7 convolution, norm, ReLU, pooling -> four stages of blocks, 64 to 512 channels, each but the first half as fine

A norm is one of groups of 16 channels (Chi et al. 2023, section 3.2), or of batches, whose means and variances came
with the weights and stay as they are.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Norm = Literal["group", "batch"]
CHANNELS = 512
"""Channels of what comes out."""
STRIDE = 32
"""Pixels from one place of what comes out to the next."""
_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_GROUP = 16
"""Channels of a group of the group norm."""


def trunk(depth: Literal[18, 34], norm: Norm) -> nn.Sequential:
    """Pictures (N, 3, H, W) to maps (N, 512, H / 32, W / 32), rounded up."""
    make = _NORMS[norm]
    enter = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), make(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    stages, inputs = [], 64
    for number, count in enumerate(_BLOCKS[depth]):
        outputs = 64 * 2**number
        first = Block(inputs, outputs, 1 + (number > 0), make)
        stages.append(nn.Sequential(first, *(Block(outputs, outputs, 1, make) for _ in range(count - 1))))
        inputs = outputs
    return nn.Sequential(*enter, *stages)


class Block(nn.Module):
    """Two convolutions and a way around them; a stride of 2 halves the sides."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = norm(outputs)
        same = inputs == outputs and stride == 1
        self.downsample = None if same else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm(outputs)
        )  # fmt: skip

    def forward(self, h: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(h)))))
        return F.relu(inner + (h if self.downsample is None else self.downsample(h)))


class FixedNorm(nn.Module):
    """Batch norm by means and variances that do not change, in training neither."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, h: Tensor) -> Tensor:
        return F.batch_norm(h, self.running_mean, self.running_var, self.weight, self.bias)


def _group(channels: int) -> nn.Module:
    return nn.GroupNorm(channels // _GROUP, channels)


_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"group": _group, "batch": FixedNorm}
