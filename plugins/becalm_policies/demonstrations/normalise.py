"""How the entries of observations and actions are scaled: by their range, mean and deviation, or quantiles.

    range      least and greatest value become -1 and 1
    mean-std   zero mean, unit variance
    quantile   the 1 % and the 99 % quantile become -1 and 1, so that outliers do not set the scale

What stands still but for jitter (``spread.still``) is moved to 0 and not scaled, whatever the method: its noise would
become as large as what the others tell.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from becalm.errors import UserError, nearest
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.demonstrations.spread import still

METHODS = ("range", "mean-std", "quantile")
_ENDS = (0.01, 0.99)


def _check(methods: tuple[str, ...]) -> tuple[str, ...]:
    for word in methods:
        method = word.rpartition("=")[2]
        if method not in METHODS:
            known = ", ".join(METHODS)
            raise ValueError(f"must be one of {known}, or KEY=METHOD, got {word!r}{nearest(method, METHODS)}")
    return methods


Normalise = Annotated[tuple[str, ...], AfterValidator(_check)]
"""Methods: one for all, and perhaps others for some arrays, as ``("range", "gripper=quantile")``."""


def methods_of(episodes: Episodes, title: str, chosen: Sequence[str], flag: str) -> list[str]:
    """The method of each entry of the ``observation`` or the ``action``.

    Args:
        chosen: As the setting has them.
        flag: The setting, for the sentence.

    Raises:
        UserError: If a key is no array or entry of the demonstrations.
    """
    groups = columns_of(episodes, title)
    found = ["range"] * episodes.entries(title).shape[1]
    for word in sorted(chosen, key=lambda word: "=" in word):
        key, _, method = word.rpartition("=")
        if key and key not in groups:
            raise UserError(f"{flag} must name an array or an entry, got {key!r}, known are {_few(groups, key)}")
        for column in groups[key] if key else range(len(found)):
            found[column] = method
    return found


def columns_of(episodes: Episodes, title: str) -> dict[str, list[int]]:
    """Columns of the ``observation`` or ``action`` by name: of the arrays that they came from, and of each entry."""
    size, held = episodes.entries(title).shape[1], "keys" if title == "observation" else "action_keys"
    found = {name: [number] for number, name in enumerate(episodes.names(title))}
    arrays = episodes.spec.get(held)
    if isinstance(arrays, Mapping) and all(type(count) is int and count > 0 for count in arrays.values()):
        ends = np.cumsum([*arrays.values()]).tolist()
        if ends and ends[-1] == size:
            found = {name: [*range(end - arrays[name], end)] for name, end in zip(arrays, ends, strict=True)} | found
    return {f"{title}s": [*range(size)]} | found


def scales(values: Array, methods: Sequence[str]) -> tuple[Array, Array]:
    """What becomes 0, and what becomes 1 beside it, of each entry of a table.

    Args:
        values: (N, K). methods: (K,), each of ``METHODS``.

    Returns:
        (K,) shift and (K,) scale, above 0.
    """
    low, high = values.min(0), values.max(0)
    shift, scale = (low + high) / 2, (high - low) / 2
    rest = still(low, high)
    for method in set(methods) - {"range"}:
        chosen = np.array([word == method for word in methods]) & ~rest
        some = values[:, chosen]
        if method == "mean-std":
            shift[chosen], scale[chosen] = some.mean(0), some.std(0)
            continue
        first, last = np.quantile(some, _ENDS, axis=0)
        # Where nearly all values are the same the range is all that there is to go by.
        wide = np.flatnonzero(chosen)[last > first]
        shift[wide], scale[wide] = ((first + last) / 2)[last > first], ((last - first) / 2)[last > first]
    return shift, np.where(rest, 1.0, scale)


def _few(groups: Mapping[str, object], key: str) -> str:
    there = [*groups]
    return f"{', '.join(there[:12])}{', ...' if len(there) > 12 else ''}{nearest(key, there)}"
