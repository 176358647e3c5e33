"""Arrays as the bytes of an .npz. Importing this imports neither torch nor numpy."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def npz(arrays: Mapping[str, "Tensor"]) -> bytes:
    """Arrays by name as a compressed .npz, without pickles."""
    import numpy as np  # Help texts, which need no arrays, come through here.

    buffer = io.BytesIO()
    held: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in arrays.items()}
    np.savez_compressed(buffer, **held)
    return buffer.getvalue()
