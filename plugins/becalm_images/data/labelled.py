"""Labelled images in memory."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Split = Literal["train", "test"]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Images (N, C, H, W) uint8 and labels (N,) int64 in 0 .. classes - 1."""

    images: np.ndarray
    labels: np.ndarray
    classes: int
