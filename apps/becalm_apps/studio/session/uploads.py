"""What a visitor has uploaded, as against whatever else the server could read: requests name files by their paths."""

import stat
from pathlib import Path

from becalm.errors import UserError


def uploaded(name: str, uploads: Path) -> Path:
    """The file of that name below the folder of uploads.

    Raises:
        UserError: If it lies elsewhere, by a link or by its name, is gone, or is no regular file.
    """
    said = f"{Path(name).name} is no file that was uploaded to this page: upload it again"
    try:
        path = Path(name).resolve(strict=True)
        regular = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(said) from error
    if not regular or not path.is_relative_to(uploads.resolve()):
        raise UserError(said)
    return path
