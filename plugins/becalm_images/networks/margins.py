"""Margins that make the sides of an image divide by what a network folds and halves."""

import torch.nn.functional as F
from torch import Tensor

Margins = tuple[int, int, int, int]
"""Pixels on the left, on the right, at the top, at the bottom."""


def margins(height: int, width: int, multiple: int) -> Margins:
    """What an image lacks to sides that divide by ``multiple``, half of it on each side."""
    lacks = (-width % multiple, -height % multiple)
    return lacks[0] // 2, lacks[0] - lacks[0] // 2, lacks[1] // 2, lacks[1] - lacks[1] // 2


def pad(x: Tensor, around: Margins) -> Tensor:
    """Images with margins of zeros, the middle between black and white."""
    return F.pad(x, around) if any(around) else x


def crop(x: Tensor, around: Margins) -> Tensor:
    """Images without their margins."""
    left, right, top, bottom = around
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right] if any(around) else x
