"""What chunks are learnt as differences from: a linear map of the features, where nothing that bends says more.

Wide smooth actions are mostly a linear function of what is seen. Ridge regression has that part exactly, from few
demonstrations and in a moment; what is left is small, and its noise is what a diffusion policy is for. Where the law
bends, such as at the bounds of an action, its difference from a line is no simpler than the law.
"""

import base64
import binascii
from functools import lru_cache

import numpy as np

from becalm_policies.offline.ridge import Array, Groups, bend, ridge
from becalm_policies.offline.rivals import MOST, evenly

ENOUGH = 0.5
"""Share of the chunks' variance that a line must explain on episodes left out before ``auto`` takes it out."""
WIDEST = 2048
"""Features above which there is no regression."""


def reference(features: Array, chunks: Array, groups: Groups, executed: slice, *, always: bool) -> Array | None:
    """Weights (F + 1, Tp A) of the regression of chunks on features; None where it is not the best there is.

    Args:
        features: (W, F). chunks: (W, Tp, A). groups: (W,) the episode of each.
        executed: The part of a chunk that counts.
        always: Whether it is taken even so.
    """
    if features.shape[1] > WIDEST and not always:
        return None
    some = evenly(len(features), MOST)
    seen, parts = features[some], chunks[some]
    if not always:
        outputs = parts[:, executed].reshape(len(some), -1)
        line = ridge(seen, outputs, groups[some]).explained
        if line < ENOUGH or ridge(bend(seen), outputs, groups[some]).explained > line:
            return None
    return ridge(seen, parts.reshape(len(some), -1), groups[some]).weights


def pack(weights: Array | None) -> str:
    """Weights as text, float32; nothing where there are none."""
    return "" if weights is None else base64.b64encode(weights.astype("<f4").tobytes()).decode()


@lru_cache(maxsize=8)
def unpack(text: str, columns: int) -> Array:
    """The weights of a text, (F + 1, columns) float64, which nobody may write to.

    Raises:
        ValueError: If it is none, or they are not finite.
    """
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float64)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"linear must be float32 numbers in base64, got {text[:20]!r}") from error
    if len(values) % columns or not np.isfinite(values).all():
        raise ValueError(f"linear must hold finite rows of {columns} numbers, got {len(values)} numbers")
    values.setflags(write=False)
    return values.reshape(-1, columns)
