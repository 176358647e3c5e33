"""Places for results: tried before hours of work go into what is to lie there, and written whole or not at all.

Imports no torch.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from becalm.errors import UserError
from becalm.files.owner import is_left, tag


def check(path: Path, suffixes: Collection[str], flag: str = "--out") -> None:
    """Refuses a place that could not be written later.

    Args:
        flag: What names the path, for the sentence.

    Raises:
        UserError: If the suffix is another, the path is a folder, or its folder neither takes files nor can be made.
    """
    known = ", ".join(suffixes)
    if path.is_dir():
        raise UserError(f"{flag} must be a file that ends in {known}, got the folder {path}")
    if path.suffix not in suffixes:
        raise UserError(f"{flag} must end in {known}, got {path}")
    writable(path, flag)


def writable(path: Path, flag: str = "--out") -> None:
    """Refuses a path whose folder neither takes files nor can be made; removes what the dead left half-written there.

    Raises:
        UserError: If so.
    """
    folder = path.parent
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        # Asking for permissions is not enough: superusers have them all, and a file system can still refuse.
        with tempfile.TemporaryFile(dir=folder):
            pass
        sweep(folder)
    except OSError as error:
        raise UserError(f"cannot write {flag} {path}: {error.strerror or error}") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, its folder included; durable when this returns.

    Raises:
        UserError: If the place cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_together(contents: Iterable[tuple[Path, Callable[[Path], object]]]) -> None:
    """Writes files that belong together: none takes its place before all of them are durable.

    Args:
        contents: The files in the order in which they take their places, each with what writes it to a path.

    Raises:
        UserError: If a place cannot be written; then all are as they were, unless the disk fails between two renames.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, write in contents:
            with _explained(path):
                staged.append((path, _beside(path)))
                write(staged[-1][1])
                _settle(staged[-1][1])
        for path, temporary in staged:
            with _explained(path):
                temporary.replace(path)
        for path in {path.parent: path for path, _ in staged}.values():
            with _explained(path):
                _sync_folder(path.parent)
    finally:
        for _, temporary in staged:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside the target that takes its place if the block ends well and vanishes if not.

    Raises:
        UserError: If the place cannot be written.
    """
    temporary: Path | None = None
    try:
        with _explained(path):
            temporary = _beside(path)
            yield temporary
            _settle(temporary)
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def filling(path: Path, flag: str = "--out") -> Iterator[Path]:
    """A temporary folder beside the target that takes its place if the block ends well and vanishes if not.

    Args:
        flag: What names the path, for the sentence.

    Raises:
        UserError: If the target holds anything, is a file, or cannot be made.
    """
    temporary: Path | None = None
    try:
        with _explained(path):
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise UserError(f"{flag} {path} exists: name a folder that is new or empty")
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(path.name), dir=path.parent))
            yield temporary
            _open_to_all(temporary, 0o777)
            for folder in (temporary, *(inside for inside in temporary.rglob("*") if inside.is_dir())):
                _sync_folder(folder)
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Removes the temporary files and folders of processes that are gone; what others still write stays."""
    with suppress(OSError):
        for left in [path for path in folder.iterdir() if path.name.startswith(".") and is_left(path.name)]:
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def temporary_prefix(name: str) -> str:
    """How the temporary files for a name begin: after it, and after this process, so that ``sweep`` knows them."""
    # Of a long name only the beginning, since file systems take 255 bytes.
    return f".{os.fsdecode(os.fsencode(name)[:128])}{tag()}"


def _beside(path: Path) -> Path:
    """A new temporary file beside a path."""
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder, name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=temporary_prefix(path.stem), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    return Path(name)


def _settle(temporary: Path) -> None:
    """Makes a temporary file ready to take its place."""
    _open_to_all(temporary, 0o666)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _open_to_all(temporary: Path, mode: int) -> None:
    """What is temporary is made private; a result should be as readable as any other new file or folder."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(mode & ~mask)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
