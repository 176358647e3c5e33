"""Where things are in a picture: each map's softmax is a distribution over places, and its mean a point.

    p = softmax(map) over places ;  point = sum p (x, y)         (Finn et al. 2016, section IV.B)

Places are said in coordinates of the whole picture, -1 to 1 along each side, also where the map is of a crop of it: so
a crop moves what is seen and not what is said.
"""

import torch
from torch import Tensor


def spatial_softmax(maps: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The mean place of each map, (N, K, 2) as x, y.

    Args:
        maps: (N, K, h, w), logits of the places.
        y: (N, h) or (1, h), x: (N, w) or (1, w) coordinates of rows and columns.
    """
    weight = maps.flatten(2).softmax(-1).unflatten(2, maps.shape[2:])
    across = (weight.sum(2) * x[:, None]).sum(2)
    down = (weight.sum(3) * y[:, None]).sum(2)
    return torch.stack([across, down], dim=2)


def places(first: Tensor, count: int, stride: int, whole: int, patch: int = 1) -> Tensor:
    """Coordinates (N, count) of what cells stand for in a picture's side of ``whole`` pixels.

    Args:
        first: (N,) pixel at which the cells begin. stride: Pixels from one cell to the next.
        patch: Pixels in whose middle a cell stands, at its beginning: convolutions of stride 2 keep every second cell.
    """
    middle = torch.arange(count, device=first.device) * stride + (patch - 1) / 2
    return (first[:, None] + middle) / (max(whole - 1, 1) / 2) - 1
