"""A folder of image files as labelled images of one size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm_images.data.image import Reading, read
from becalm_images.data.labelled import Labelled
from becalm_images.data.listing import Listing, Splits, class_folder, classes, listed

_MOST = 2**34
"""Bytes of pixels that are held in memory at most."""


def from_files(found: Listing, split: Splits, reading: Reading) -> tuple[Labelled, Labelled | None]:
    """The images to train on, and those to test on where there are any.

    All have the channels that the folder as a whole needs: one where every image is grey, else three. The classes are
    the folders of the training images in both splits, so that a class without test images keeps its number.

    Raises:
        UserError: If an image cannot be read, sizes differ, or a test image is of no training class.
    """
    names = classes(split.train, split.named)
    numbers = {folder: number for number, folder in enumerate(names)}
    labels = [numbers.get(class_folder(path, split.named)) for path in (*split.train, *split.test)]
    for path, label in zip(split.test, labels[len(split.train) :], strict=True):
        if label is None:
            known = listed(list(names.values()))
            raise UserError(f"the class of {found.folder / path} is not among the training classes {known}")
    images = _one_size([found.folder / path for path in (*split.train, *split.test)], reading)
    every, count = np.array(labels, dtype=np.int64), len(split.train)
    train, *test = (
        Labelled(images[part], every[part], tuple(names.values())) for part in (slice(count), slice(count, None))
    )
    return train, test[0] if split.test else None


def _one_size(paths: Sequence[Path], reading: Reading) -> np.ndarray:
    """All images, (N, C, H, W) uint8.

    Raises:
        UserError: If their sizes differ, or they need more memory than is sensible.
    """
    images: list[np.ndarray] = []
    for path in paths:
        image = read(path, reading)
        if images and image.shape[1:] != images[0].shape[1:]:
            first, second = (" x ".join(map(str, each.shape[1:])) for each in (images[0], image))
            side = min(*images[0].shape[1:], *image.shape[1:])
            raise UserError(
                f"all images must have one size: {paths[0]} is {first}, {path} is {second} (height x width); "
                f"--resize {side} scales each to {side} x {side}, --crop {side} cuts that out of its middle"
            )
        images.append(image)
        if len(paths) * images[0].nbytes > _MOST:
            raise UserError(
                f"{len(paths)} images of {' x '.join(map(str, image.shape[1:]))} need more than {_MOST >> 30} GiB: "
                "name a smaller size by --resize or --crop"
            )
    channels = max(len(image) for image in images)
    return np.stack([np.broadcast_to(image, (channels, *image.shape[1:])) for image in images])
