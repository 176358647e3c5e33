"""A folder of PNGs as labelled images."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from becalm.errors import UserError
from becalm_images.data.labelled import Labelled, Split

_EVERY = 10


def read(path: Path) -> np.ndarray:
    """One image as (C, H, W) uint8, grey as one channel, anything else as RGB.

    Raises:
        UserError: If the file is missing or no image.
    """
    try:
        with Image.open(path) as image:
            grey = image.mode in ("1", "L", "I", "I;16", "LA")
            pixels = np.asarray(image.convert("L" if grey else "RGB"))
    except FileNotFoundError as error:
        raise UserError(f"there is no image {path}") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, zlib.error) as error:
        raise UserError(f"{path} cannot be read as an image, it is damaged or of another kind: {error}") from error
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def from_pngs(folder: Path, split: Split) -> Labelled:
    """``folder/train/CLASS/*.png`` and ``folder/test/...``; without these two, every tenth image is the test split.

    Raises:
        UserError: If there are no images for the split, or their sizes differ.
    """
    has_splits = (folder / "train").is_dir()
    root = folder / split if has_splits else folder
    paths = sorted(root.rglob("*.png"))
    if not has_splits:
        paths = [path for number, path in enumerate(paths) if (number % _EVERY == _EVERY - 1) == (split == "test")]
    if not paths:
        raise UserError(f"{root} holds no PNG images for the {split} split")
    # The classes are the train split's folders in either split, so that a class without test images keeps its number.
    classes = sorted({path.parent.name for path in (folder / "train" if has_splits else folder).rglob("*.png")})
    images = [read(path) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            raise UserError(f"all images must have one size: {paths[0]} has {images[0].shape}, {path} {image.shape}")
        if path.parent.name not in classes:
            known = ", ".join(classes)
            raise UserError(f"class {path.parent.name!r} of {path} is not among the training classes {known}")
    labels = np.array([classes.index(path.parent.name) for path in paths], dtype=np.int64)
    return Labelled(np.stack(images), labels, tuple(classes))
