"""Results as the bytes of files."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from becalm.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.domain import Picture


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
