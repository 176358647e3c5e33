"""Results as files. The suffix says what is written, and a place is tried before anything is computed."""

import io
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from becalm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.domain import Picture


def check(path: Path, suffixes: Collection[str]) -> None:
    """Refuses a place that could not be written later.

    Raises:
        UserError: If the suffix is unknown, the path is a folder, or its folder neither takes files nor can be made.
    """
    known = ", ".join(suffixes)
    if path.is_dir():
        raise UserError(f"--out must be a file that ends in {known}, got the folder {path}")
    if path.suffix not in suffixes:
        raise UserError(f"--out must end in {known}, got {path}")
    folder = path.parent
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        # Asking for permissions is not enough: superusers have them all, and a file system can still refuse.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write --out {path}: {error.strerror or error}") from error


def png(picture: "Picture") -> bytes:
    """The bytes of a picture that is a PNG.

    Raises:
        UserError: If it is something else.
    """
    if picture.mime != "image/png":
        raise UserError(f"this domain renders {picture.mime}, not PNG: name an --out that ends in .npz")
    return picture.content


def npz(arrays: Mapping[str, "Tensor"]) -> bytes:
    """Arrays by name as a compressed .npz, without pickles."""
    import numpy as np

    buffer = io.BytesIO()
    held: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in arrays.items()}
    np.savez_compressed(buffer, **held)
    return buffer.getvalue()
