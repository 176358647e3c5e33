"""A folder or a zip archive as its files by name: regular ones, none by a link out of the folder. Imports no torch."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from becalm.errors import UserError
from becalm.gate.limit import Budget
from becalm.gate.regular import inside, opened
from becalm.gate.zip import archive


@dataclass(frozen=True, slots=True)
class Tree:
    """Files by their names within, as ``data/state/.zarray``.

    Attributes:
        path: The folder or the archive.
        sizes: Bytes of each file, unpacked.
    """

    path: Path
    sizes: Mapping[str, int]
    _archive: zipfile.ZipFile | None = field(default=None, repr=False)

    def read(self, name: str, most: int | None = None) -> bytes:
        """The first bytes of a file, at most so many; default: all.

        Raises:
            UserError: If it is no regular file any more, or cannot be read.
        """
        count = self.sizes[name] if most is None else most
        if self._archive is not None:
            with self._archive.open(name) as member:
                return member.read(count)
        with opened(self.path / name) as file:
            return file.read(count)


@contextmanager
def tree(path: Path, what: str) -> Iterator[Tree]:
    """The files of a folder or of an archive.

    Args:
        what: What it should be, such as ``a zarr replay buffer``.

    Raises:
        UserError: If there is a file that is none, or a link that leads out; or the archive is damaged, or unpacks to
            more than may be read.
    """
    if path.is_dir():
        yield Tree(path, dict(_walk(path)))
        return
    with archive(path, what) as held:
        budget = Budget(path)
        members = [info for info in held.infolist() if not info.is_dir()]
        for info in members:
            budget.take(info.file_size, info.filename)
        if len({info.filename for info in members}) != len(members):
            raise UserError(f"{path} is damaged: it holds two files of one name")
        yield Tree(path, {info.filename: info.file_size for info in members}, held)


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    for here, folders, files in os.walk(folder):
        for name in folders:
            place = Path(here, name)
            if place.is_symlink():  # Not walked, and a library would follow it.
                raise UserError(f"{place} is a link to a folder: only what is in {folder} is read, put the files there")
        for name in files:
            place = Path(here, name)
            inside(folder, place)
            with opened(place) as file:
                yield place.relative_to(folder).as_posix(), os.fstat(file.fileno()).st_size
