"""Labelled images in memory, and the digest that says whether two sets are the same."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

Split = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images of one size with their labels.

    Attributes:
        images: (N, C, H, W) uint8.
        labels: (N,) int64, numbers of ``names``.
        names: What the classes are called, in the order of their numbers.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.names)

    @cached_property
    def digest(self) -> str:
        """``digest`` of the images and labels, computed once."""
        return digest(self.images, self.labels)


def digest(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 in hex of the sizes, the pixels and the labels, in their order; not of what the classes are called.

    Args:
        images: (N, C, H, W) uint8. labels: (N,) integers.
    """
    content = hashlib.sha256(repr(images.shape).encode())
    content.update(np.ascontiguousarray(images).data)
    content.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return content.hexdigest()
