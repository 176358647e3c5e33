"""Pictures to features: a small residual network that says where things are, and what it all looks like.

    patches of p x p pixels -> convolution -> residual blocks, coarser and coarser
        -> K maps -> spatial softmax: K points
        -> 16 maps -> linear: an outline

Points alone are learnt slowly, since a map must be sharp before its mean tells anything; what is linear in all places
learns from the first step on. Group norm, since the pictures of a batch are anything but independent (Chi et al. 2023,
section 3.2); trained from scratch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm_policies.networks.crop import crop
from becalm_policies.networks.spatial_softmax import places, spatial_softmax

_GROUP = 16
"""Channels of a group of the group norm."""
_OUTLINE = 16
"""Maps that the outline is taken from."""


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
        keypoints: K, points that are found in a picture. outline: O, entries of the outline; 0 for none.
    """

    def __init__(
        self, size: tuple[int, int], *, crop: float, patch: int, widths: tuple[int, ...], keypoints: int, outline: int
    ) -> None:
        super().__init__()
        self.size, self.patch = size, patch
        self.stride = patch * 2 ** (len(widths) - 1)
        self.cropped = tuple(max(int(side * crop) // patch, 1) * patch for side in size)
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
        self.coarse = nn.Conv2d(widths[-1], _OUTLINE, 1) if outline else None
        cells = [-(-side // self.stride) for side in self.cropped]
        # Where the crop begins belongs to it: a linear map of all places does not know.
        self.outline = nn.Linear(_OUTLINE * cells[0] * cells[1] + 2, outline) if outline else None

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (B, f, 3, H, W) to (B, f, 2 K + O)."""
        part, first = crop(pictures, (self.cropped[0], self.cropped[1]), random=self.training)
        frames = part.shape[1]
        pixels = part.flatten(0, 1).to(self.maps.weight.dtype) / 127.5 - 1
        h = F.pixel_unshuffle(pixels, self.patch).contiguous(memory_format=torch.channels_last)
        h = self.blocks(F.relu(self.norm(self.enter(h))))
        maps, first = self.maps(h).float(), first.repeat_interleave(frames, 0)
        y, x = (
            places(first[:, side], maps.shape[2 + side], self.stride, self.size[side], self.patch) for side in (0, 1)
        )
        seen = [spatial_softmax(maps, y, x).flatten(1)]
        if self.coarse is not None and self.outline is not None:
            begins = torch.stack([y[:, 0], x[:, 0]], dim=1).to(h.dtype)
            seen.append(in_full(self.outline, torch.cat([self.coarse(h).flatten(1), begins], dim=1)))
        features: Tensor = torch.cat(seen, dim=1).unflatten(0, (-1, frames))
        return features


def in_full(module: nn.Module, x: Tensor) -> Tensor:
    """A module's float32 output, also where products are of half precision: places are told to a pixel or better."""
    weight = next(module.parameters())
    with torch.autocast(x.device.type, enabled=False):
        output: Tensor = module(x.to(weight.dtype)).float()
    return output


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(channels // _GROUP, 1), channels)
