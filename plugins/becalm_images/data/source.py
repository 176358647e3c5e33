"""The images of a folder, whichever form they have there, read once as long as no file in it changes."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from becalm.errors import UserError
from becalm.gate.regular import is_folder
from becalm.train.split import spread
from becalm_images.data import idx
from becalm_images.data.folder import from_files
from becalm_images.data.image import Reading, fit
from becalm_images.data.labelled import Labelled, Split
from becalm_images.data.listing import Listing, listed, listing, splits

_FILES = {"train": "train", "test": "t10k"}
_KINDS = ("images-idx3", "labels-idx1")
_HOLDOUT = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What a folder holds.

    Attributes:
        train, test: Its images by split; there may be none to test on.
        skipped: Paths within the folder of what was not read.
    """

    train: Labelled
    test: Labelled | None
    skipped: tuple[PurePath, ...] = ()

    def summary(self) -> str:
        """What was read, in a line: how many images, their size, channels and classes; what was not read."""
        channels, height, width = self.train.images.shape[1:]
        names = self.train.names
        tested = 0 if self.test is None else len(self.test.images)
        parts = [
            _count(len(self.train.images) + tested, "image"),
            f"{height} x {width}",
            _count(channels, "channel"),
            f"{'classes' if len(names) > 1 else 'class'} {listed(list(names))}",
        ]
        text = f"{', '.join(parts)}; {tested or 'none'} of them for test"
        if self.skipped:
            named = listed([str(path) for path in self.skipped], 4)
            text += f"; {_count(len(self.skipped), 'file')} not read: {named}"
        return text


def load(folder: str, split: Split, reading: Reading = Reading(), holdout: float | None = None) -> Labelled:  # noqa: B008
    """The images of a split of a folder.

    Args:
        reading, holdout: As for ``load_all``.

    Raises:
        UserError: If the folder is missing or damaged, or there are no images for the split.
    """
    data = load_all(folder, reading, holdout)
    if split == "train":
        return data.train
    if data.test is None:
        raise UserError(f"{folder} has no images for the test split: put some into test/, or keep a share by --holdout")
    return data.test


def load_all(folder: str, reading: Reading = Reading(), holdout: float | None = None) -> Data:  # noqa: B008
    """The images of a folder, in either of two forms.

    idx: ``train-images-idx3-ubyte`` and so on, ``t10k-`` for the test split, gzipped or not. Image files: one folder
    per class, in ``train/`` and ``test/`` or straight below; without classes all images are of one.

    Args:
        reading: How image files are read, and how large images are.
        holdout: Share of the images kept for the test split where the folder has none; default: a tenth, and where
            it has a split to train on, none.

    Raises:
        UserError: If the folder is missing or holds neither, a file is damaged, images and labels do not fit each
            other, or there is a test split beside a holdout.
    """
    path = Path(folder).expanduser()
    if not is_folder(path):
        raise UserError(f"there is no folder {path}: name one with images or idx files by --data")
    return _load(listing(path), reading, holdout)


@lru_cache(maxsize=4)
def _load(found: Listing, reading: Reading, holdout: float | None) -> Data:
    own, skipped = False, tuple[PurePath, ...]()
    if idx_files(found.folder, "train"):
        train, test = _from_idx(found.folder, reading)
        own, share = test is not None, holdout
    elif found.files:
        split = splits(found)
        own, skipped = bool(split.test), (*split.unused, *found.others)
        share = _HOLDOUT if holdout is None and not split.named else holdout
        train, test = from_files(found, split, reading)
    else:
        files = f"{_FILES['train']}-{_KINDS[0]}-ubyte[.gz] with {_KINDS[1]}"
        what = f", only {listed([str(path) for path in found.others], 4)}" if found.others else ""
        raise UserError(f"{found.folder} holds no images{what}: name a folder of images, or of idx files ({files})")
    if own and holdout is not None:
        raise UserError(f"{found.folder} has a test split of its own: leave out --holdout {holdout:g}")
    if own or not share:
        return Data(train, test, skipped)
    tested = np.array(spread(len(train.labels), share), dtype=np.int64)
    trained = np.setdiff1d(np.arange(len(train.labels)), tested)
    # A class of so few images that all would be kept for the test is trained on instead: it can be asked for.
    tested = tested[np.isin(train.labels[tested], train.labels[trained])]
    trained = np.setdiff1d(np.arange(len(train.labels)), tested)
    return Data(_take(train, trained), _take(train, tested) if len(tested) else None, skipped)


def idx_files(folder: Path, split: Split) -> tuple[Path, Path] | None:
    """The files of images and of labels of a split, gzipped or not, if both are there."""
    stems = [folder / f"{_FILES[split]}-{kind}-ubyte" for kind in _KINDS]
    images, labels = (next((file for file in (stem, Path(f"{stem}.gz")) if file.exists()), None) for stem in stems)
    return (images, labels) if images and labels else None


def _from_idx(folder: Path, reading: Reading) -> tuple[Labelled, Labelled | None]:
    """The splits; the classes are the labels that occur in the one to train on, whatever numbers these are."""
    pairs = [_read_pair(*files) for files in map(partial(idx_files, folder), ("train", "test")) if files is not None]
    occur = np.unique(pairs[0][1])
    names = tuple(str(number) for number in occur.tolist())
    for pixels, numbers in pairs:
        if new := sorted(set(numbers.tolist()) - set(occur.tolist())):
            raise UserError(
                f"{folder}: label {new[0]} of a test image is not among the training labels {listed(list(names))}"
            )
        if pixels.shape[1:] != pairs[0][0].shape[1:]:
            sizes = [" x ".join(map(str, images.shape[1:])) for images, _ in pairs]
            raise UserError(f"{folder}: images to train on are {sizes[0]}, images to test on {sizes[1]}")
    train, *test = (
        Labelled(_fit(pixels, reading)[:, None], np.searchsorted(occur, numbers).astype(np.int64), names)
        for pixels, numbers in pairs
    )
    return train, test[0] if test else None


def _read_pair(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    pixels, numbers = idx.read(images), idx.read(labels)
    if pixels.ndim != 3 or numbers.ndim != 1:
        raise UserError(f"{images} must hold 3 axes and {labels} 1, got {pixels.ndim} and {numbers.ndim}")
    if len(pixels) != len(numbers) or not pixels.size:
        raise UserError(f"{images} holds {len(pixels)} images but {labels} {len(numbers)} labels")
    return pixels, numbers


def _fit(pixels: np.ndarray, reading: Reading) -> np.ndarray:
    if reading.resize is None and reading.crop is None:
        return pixels
    return np.stack([np.asarray(fit(Image.fromarray(image), reading)) for image in pixels])


def _take(labelled: Labelled, numbers: np.ndarray) -> Labelled:
    return replace(labelled, images=labelled.images[numbers], labels=labelled.labels[numbers])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
