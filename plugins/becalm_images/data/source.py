"""The images of a folder, whichever form they have there."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm_images.data import idx
from becalm_images.data.folder import from_pngs
from becalm_images.data.labelled import Labelled, Split

_FILES = {"train": "train", "test": "t10k"}


@lru_cache(maxsize=4)
def load(folder: str, split: Split) -> Labelled:
    """The images of a folder, in either of two forms.

    idx: ``train-images-idx3-ubyte`` and so on, ``t10k-`` for the test split, gzipped or not. PNG: one folder per class,
    in ``train/`` and ``test/`` or straight below; without classes all images are class 0.

    Raises:
        UserError: If the folder is missing or holds neither, or images and labels do not fit each other.
    """
    path = Path(folder)
    if not path.is_dir():
        raise UserError(f"there is no folder {path}: name one with idx files or PNGs by --data")
    stems = [path / f"{_FILES[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    images, labels = (next((file for file in (stem, Path(f"{stem}.gz")) if file.exists()), None) for stem in stems)
    if images and labels:
        return _from_idx(images, labels)
    if any(path.rglob("*.png")):
        return from_pngs(path, split)
    raise UserError(f"{path} holds neither {stems[0].name}[.gz] with {stems[1].name}[.gz] nor PNG images")


def _from_idx(images: Path, labels: Path) -> Labelled:
    pixels, numbers = idx.read(images), idx.read(labels)
    if pixels.ndim != 3 or numbers.ndim != 1:
        raise UserError(f"{images} must hold 3 axes and {labels} 1, got {pixels.ndim} and {numbers.ndim}")
    if len(pixels) != len(numbers) or not len(pixels):
        raise UserError(f"{images} holds {len(pixels)} images but {labels} {len(numbers)} labels")
    return Labelled(pixels[:, None], numbers.astype(np.int64), int(numbers.max()) + 1)
