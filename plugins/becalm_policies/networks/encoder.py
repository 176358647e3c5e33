"""Pictures to features: a small residual network whose maps say where things are.

    patches of p x p pixels -> convolution -> residual blocks, coarser and coarser -> K maps -> spatial softmax

Group norm, since a batch of demonstrations is anything but independent (Chi et al. 2023, section 3.2, as Mandlekar et
al. 2021); trained from scratch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm_policies.networks.crop import crop
from becalm_policies.networks.spatial_softmax import places, spatial_softmax

_GROUP = 16
"""Channels of a group of the group norm."""


class Block(nn.Module):
    """Two convolutions and a way around them; a stride of 2 halves the sides."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = _norm(outputs), _norm(outputs)
        same = inputs == outputs and stride == 1
        self.around = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        inner = self.norm2(self.second(F.relu(self.norm1(self.first(h)))))
        return F.relu(self.around(h) + inner)


class Encoder(nn.Module):
    """The encoder of one camera.

    Args:
        size: Height and width of its pictures. crop: Share of each side that is looked at.
        patch: Pixels of a patch's side. widths: Channels per stage; each stage after the first halves the sides.
        keypoints: K, points that are found in a picture.
    """

    def __init__(
        self, size: tuple[int, int], *, crop: float, patch: int, widths: tuple[int, ...], keypoints: int
    ) -> None:
        super().__init__()
        self.size, self.patch = size, patch
        multiple = patch * 2 ** (len(widths) - 1)
        self.cropped = tuple(max(int(side * crop) // patch, 1) * patch for side in size)
        self.stride = multiple
        self.enter = nn.Conv2d(3 * patch**2, widths[0], 3, padding=1, bias=False)
        self.norm = _norm(widths[0])
        before = (widths[0], *widths[:-1])
        self.blocks = nn.Sequential(
            *(
                Block(inputs, outputs, 1 + (number > 0))
                for number, (inputs, outputs) in enumerate(zip(before, widths, strict=True))
            )
        )
        self.maps = nn.Conv2d(widths[-1], keypoints, 1)
        self.features = 2 * keypoints

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, f, 3, H, W) to (B, f, 2 K)."""
        part, first = crop(pictures, (self.cropped[0], self.cropped[1]), random=self.training)
        frames = part.shape[1]
        pixels = part.flatten(0, 1).to(self.maps.weight.dtype) / 127.5 - 1
        h = F.pixel_unshuffle(pixels, self.patch).contiguous(memory_format=torch.channels_last)
        maps = self.maps(self.blocks(F.relu(self.norm(self.enter(h))))).float()
        first = first.repeat_interleave(frames, 0)
        y, x = (places(first[:, side], maps.shape[2 + side], self.stride, self.size[side]) for side in (0, 1))
        points: Tensor = spatial_softmax(maps, y, x).flatten(1).unflatten(0, (-1, frames))
        return points


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(channels // _GROUP, 1), channels)
