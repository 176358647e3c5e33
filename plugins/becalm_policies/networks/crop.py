"""Crops of pictures: a random one in training, which teaches an encoder not to care where in a picture things are
(RandomCrop of Mandlekar et al. 2021), the middle one elsewhere.
"""

import torch
from torch import Tensor


def crop(pictures: Tensor, size: tuple[int, int], *, random: bool) -> tuple[Tensor, Tensor]:
    """A part of each picture, and where it begins.

    Args:
        pictures: (B, f, 3, H, W); the f pictures of a sample are cropped alike.
        size: Height and width of the part.
        random: Anywhere, evenly, by torch's own random state; else in the middle.

    Returns:
        (B, f, 3, h, w), and (B, 2) the first row and column.
    """
    count, spare = len(pictures), (pictures.shape[3] - size[0], pictures.shape[4] - size[1])
    if random:
        share = torch.rand(count, 2, device=pictures.device)
        sides = [(share[:, side] * (spare[side] + 1)).long().clamp(max=spare[side]) for side in (0, 1)]
    else:
        sides = [torch.full((count,), spare[side] // 2, device=pictures.device) for side in (0, 1)]
    # Every part is a view; the index copies one for each sample, and the host need not know which.
    parts = pictures.unfold(3, size[0], 1).unfold(4, size[1], 1)
    rows = torch.arange(count, device=pictures.device)
    return parts[rows, :, :, sides[0], sides[1]], torch.stack(sides, dim=1)
