"""The images of a folder, whichever form they have there."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm_images.data import idx
from becalm_images.data.folder import from_pngs
from becalm_images.data.labelled import Labelled, Split

_FILES = {"train": "train", "test": "t10k"}
_KINDS = ("images-idx3", "labels-idx1")


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
    if files := idx_files(path, split):
        return _from_idx(*files, *(idx_files(path, "train") or files)[1:])
    if any(path.rglob("*.png")):
        return from_pngs(path, split)
    images, labels = (f"{_FILES[split]}-{kind}-ubyte[.gz]" for kind in _KINDS)
    raise UserError(f"{path} holds neither {images} with {labels} nor PNG images")


def idx_files(folder: Path, split: Split) -> tuple[Path, Path] | None:
    """The files of images and of labels of a split, gzipped or not, if both are there."""
    stems = [folder / f"{_FILES[split]}-{kind}-ubyte" for kind in _KINDS]
    images, labels = (next((file for file in (stem, Path(f"{stem}.gz")) if file.exists()), None) for stem in stems)
    return (images, labels) if images and labels else None


def _from_idx(images: Path, labels: Path, known: Path) -> Labelled:
    """The classes are the labels that occur in the train split, whose file is ``known``, whatever numbers these are."""
    pixels, numbers, trained = idx.read(images), idx.read(labels), np.unique(idx.read(known))
    if pixels.ndim != 3 or numbers.ndim != 1:
        raise UserError(f"{images} must hold 3 axes and {labels} 1, got {pixels.ndim} and {numbers.ndim}")
    if len(pixels) != len(numbers) or not len(pixels):
        raise UserError(f"{images} holds {len(pixels)} images but {labels} {len(numbers)} labels")
    if new := sorted(set(numbers.tolist()) - set(trained.tolist())):
        raise UserError(f"label {new[0]} of {labels} does not occur among the training labels of {known}")
    names = tuple(str(number) for number in trained.tolist())
    return Labelled(pixels[:, None], np.searchsorted(trained, numbers).astype(np.int64), names)
