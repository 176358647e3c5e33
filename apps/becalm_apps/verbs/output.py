"""What a verb makes, as bytes: pictures as PNGs, files on standard output."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from becalm.errors import UserError

if TYPE_CHECKING:
    from becalm.domain import Picture


def png(picture: "Picture") -> bytes:
    """The bytes of a picture that is a PNG.

    Raises:
        UserError: If it is something else.
    """
    if picture.mime != "image/png":
        raise UserError(f"this domain renders {picture.mime}, not PNG: name an --out that ends in .npz")
    return picture.content


def piped(out: Path, *, as_json: bool) -> bool:
    """Whether ``--out`` names standard output, as ``-`` or, with the ending of a file, ``-.npz``.

    Raises:
        UserError: If it does, and standard output is a terminal or is to hold JSON.
    """
    if out.stem != "-" or out.parent != Path():
        return False
    if as_json:
        raise UserError(f"--out {out} puts the file where --json would print: leave one of them out")
    if sys.stdout is None or sys.stdout.isatty():
        raise UserError(f"--out {out} puts the bytes of a file on standard output: send it on, as in | cat > FILE")
    return True


def pour(content: bytes) -> None:
    """Writes a file to standard output."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
