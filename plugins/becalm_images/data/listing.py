"""What stands in a folder of images: which file is of which split and class, and what is skipped.

Hidden files and folders are passed over. ``train/``, ``test/`` and ``val/`` (or ``validation/``) are splits; a class is
the path of the folder that holds its images, and classes and images stand in natural order: 2 before 10.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from becalm.errors import UserError, first_line
from becalm_images.data.image import is_image

TEST, VALIDATION = ("test",), ("val", "validation", "valid")
ONLY = "image"
"""The class of images that stand in no class folder."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder; two are the same where folder and stamp are.

    Attributes:
        folder: Where they are.
        files: Paths of images within it, in natural order.
        others: Paths of what is no image.
        stamp: Changes with any name, size or time of change.
    """

    folder: Path
    files: tuple[PurePath, ...] = field(compare=False)
    others: tuple[PurePath, ...] = field(compare=False)
    stamp: str


@dataclass(frozen=True, slots=True)
class Splits:
    """The images of a folder by split.

    Attributes:
        train, test: Paths of images within the folder; there may be none to test on.
        unused: Paths of images that belong to neither.
        named: Whether the folder names its splits, so that the paths begin with theirs.
    """

    train: tuple[PurePath, ...]
    test: tuple[PurePath, ...] = ()
    unused: tuple[PurePath, ...] = ()
    named: bool = False


def listing(folder: Path) -> Listing:
    """Looks through a folder.

    Raises:
        UserError: If it is missing or cannot be read.
    """
    try:
        found = sorted(_walk(folder), key=lambda entry: natural(entry[0]))
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {first_line(error)}") from error
    text = "\0".join(f"{path}\0{status.st_size}\0{status.st_mtime_ns}" for path, status in found)
    stamp = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    kinds: dict[bool, list[PurePath]] = {True: [], False: []}
    for path, status in found:
        kinds[is_image(Path(path)) and stat.S_ISREG(status.st_mode)].append(path)
    return Listing(folder, tuple(kinds[True]), tuple(kinds[False]), stamp)


def _walk(folder: Path) -> Iterator[tuple[PurePath, os.stat_result]]:
    """What is no folder and not hidden, by its path within the folder; links are followed, once each."""
    seen = set[tuple[int, int]]()
    left = [folder]
    while left:
        here = left.pop()
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in os.scandir(here):
            if entry.name.startswith((".", "__MACOSX")):
                continue
            path = Path(entry.path)
            if entry.is_dir():
                left.append(path)
            else:
                broken = entry.is_symlink() and not path.exists()
                yield path.relative_to(folder), entry.stat(follow_symlinks=not broken)


def natural(path: PurePath | str) -> tuple[tuple[tuple[tuple[int, int | str], ...], ...], tuple[str, ...]]:
    """A key that orders paths by folder, numbers in names by value, capitals as small letters."""
    parts = PurePath(path).parts
    return tuple(_pieces(part) for part in parts), parts


def _pieces(name: str) -> tuple[tuple[int, int | str], ...]:
    pieces = (piece for piece in re.split("([0-9]+)", name) if piece)
    return tuple((0, int(piece)) if piece[0] in "0123456789" else (1, piece.casefold()) for piece in pieces)


def splits(found: Listing) -> Splits:
    """The splits that a folder says it has; without any, all images are there to train on.

    Raises:
        UserError: If there are images to test on and none to train on, or ``train`` may be a class.
    """
    below: dict[str, list[PurePath]] = {}
    for path in found.files:
        below.setdefault(path.parts[0].casefold() if len(path.parts) > 1 else "", []).append(path)
    test = next((name for name in (*TEST, *VALIDATION) if name in below), None)
    if "train" not in below:
        if test is not None:
            raise UserError(f"{found.folder} has {test}/ but no images in train/: put those to train on there")
        return Splits(found.files)
    beside = [name for name in below if name not in ("train", "")]
    if test is None and beside:
        raise UserError(
            f"{found.folder} has train/ beside {listed(beside)}: rename it if it is a class; move the others away if "
            "it is the split to train on"
        )
    unused = tuple(path for name, paths in below.items() if name not in ("train", test) for path in paths)
    return Splits(tuple(below["train"]), tuple(below[test] if test else ()), unused, named=True)


def classes(paths: Iterable[PurePath], named: bool) -> dict[PurePath, str]:
    """The folders that hold images, in natural order, each with the name of its class: its path below what all share.

    Args:
        named: Whether the first part of the paths is a split's folder.

    Raises:
        UserError: If some images stand in no class folder and others do.
    """
    folders = sorted({class_folder(path, named) for path in paths}, key=natural)
    flat = PurePath()
    if folders == [flat]:
        return {flat: ONLY}
    if flat in folders:
        beside = listed([str(folder) for folder in folders if folder != flat])
        raise UserError(f"some images stand in no class folder, beside the folders {beside}: move them into one")
    above = PurePath(os.path.commonpath([folder.parent for folder in folders]))
    return {folder: folder.relative_to(above).as_posix() for folder in folders}


def class_folder(path: PurePath, named: bool) -> PurePath:
    """The folder that an image's class is named by, below the split's."""
    return PurePath(*path.parts[1 if named else 0 : -1])


def listed(names: list[str], most: int = 8) -> str:
    """Names between commas, the middle ones left out where there are many."""
    shown = names if len(names) <= most else [*names[: most - 2], "...", names[-1]]
    return ", ".join(shown)
