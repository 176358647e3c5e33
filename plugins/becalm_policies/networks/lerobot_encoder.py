"""LeRobot's encoder of pictures, weight for weight: pictures to points.

    brought to size -> a part of it -> ResNet -> K maps -> spatial softmax: K points -> linear, ReLU

It differs from ``encoder``: places are said in coordinates of the part, and one encoder may look at all cameras. Its
weights have LeRobot's names.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm_policies.networks.crop import crop
from becalm_policies.networks.encoder import in_full
from becalm_policies.networks.resnet import CHANNELS, STRIDE

Size = tuple[int, int]


class Points(nn.Module):
    """Maps of channels (N, C, h, w) to the mean places of K maps, (N, K, 2) as x, y."""

    pos_grid: Tensor

    def __init__(self, size: Size, keypoints: int) -> None:
        super().__init__()
        self.nets = nn.Conv2d(CHANNELS, keypoints, 1)
        y, x = (torch.linspace(-1, 1, side) for side in size)
        self.register_buffer("pos_grid", torch.stack([x.repeat(size[0]), y.repeat_interleave(size[1])], dim=1))

    def forward(self, h: Tensor) -> Tensor:
        weight = self.nets(h).float().flatten(2).softmax(-1)
        with torch.autocast(h.device.type, enabled=False):
            points: Tensor = weight @ self.pos_grid.float()
        return points


class RGBEncoder(nn.Module):
    """The encoder of one camera, or of all.

    Args:
        backbone: Pictures (N, 3, H, W) to maps (N, 512, H / 32, W / 32).
        size: Height and width of the pictures.
        resized: What they are brought to; None leaves them. cropped: The part that is looked at, at a random place in
            training, else in the middle; None for all.
        keypoints: K, points that are found in a picture.
    """

    def __init__(
        self, backbone: nn.Module, size: Size, *, resized: Size | None, cropped: Size | None, keypoints: int
    ) -> None:
        super().__init__()
        self.resized, self.cropped = resized, cropped
        height, width = cropped or resized or size
        self.backbone = backbone
        self.pool = Points((-(-height // STRIDE), -(-width // STRIDE)), keypoints)
        self.out = nn.Linear(2 * keypoints, 2 * keypoints)

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised pictures (B, f, 3, H, W) to (B, f, 2 K)."""
        shown = self._part(self._sized(pictures))
        points = self.pool(self.backbone(shown.flatten(0, 1)))
        seen: Tensor = F.relu(in_full(self.out, points.flatten(1))).unflatten(0, shown.shape[:2])
        return seen

    def _sized(self, pictures: Tensor) -> Tensor:
        if self.resized is None or pictures.shape[3:] == self.resized:
            return pictures
        flat = F.interpolate(pictures.flatten(0, 1), self.resized, mode="bilinear", antialias=True)
        sized: Tensor = flat.unflatten(0, pictures.shape[:2])
        return sized

    def _part(self, pictures: Tensor) -> Tensor:
        if self.cropped is None:
            return pictures
        if self.training:
            return crop(pictures, self.cropped, random=True)[0]
        # Half a pixel goes to the even side, as in torchvision.
        y, x = (round((whole - part) / 2) for whole, part in zip(pictures.shape[3:], self.cropped, strict=True))
        return pictures[..., y : y + self.cropped[0], x : x + self.cropped[1]]


class RGBEncoders(nn.Module):
    """Encoders of all cameras.

    Args:
        encoders: One for each camera, or one for all.
        cameras: How many there are.

    Attributes:
        shift, scale: (cameras, 3) what of a channel, 0 to 1, becomes 0, and what becomes 1 beside that.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, encoders: Sequence[nn.Module], cameras: int) -> None:
        super().__init__()
        self.rgb_encoder = nn.ModuleList(encoders)
        self.register_buffer("shift", torch.full((cameras, 3), 0.5))
        self.register_buffer("scale", torch.full((cameras, 3), 0.5))

    def forward(self, cameras: Sequence[Tensor]) -> Iterator[Tensor]:
        """uint8 (B, f, 3, H, W) of each camera to (B, f, 2 K) of each."""
        for number, pictures in enumerate(cameras):
            shift, scale = (each[number, :, None, None] for each in (self.shift, self.scale))
            encoder = self.rgb_encoder[number if len(self.rgb_encoder) > 1 else 0]
            yield encoder((pictures.to(shift.dtype) / 255 - shift) / scale)
