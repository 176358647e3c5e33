"""Places for results, tried before hours of work go into what is to lie there."""

import tempfile
from pathlib import Path

from becalm.errors import UserError


def check(path: Path, suffix: str) -> None:
    """Refuses a file that could not be written later.

    Raises:
        UserError: If the suffix is another, the path is a folder, or its folder neither takes files nor can be made.
    """
    if path.is_dir():
        raise UserError(f"--out must be a {suffix}, got the folder {path}")
    if path.suffix.lower() != suffix:
        raise UserError(f"--out must be a {suffix}, got {path}")
    writable(path)


def writable(path: Path) -> None:
    """Refuses a path whose folder neither takes files nor can be made.

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
    except OSError as error:
        raise UserError(f"cannot write --out {path}: {error.strerror or error}") from error
