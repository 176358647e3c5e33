"""Observations of several parts as one vector, by the rule by which files of them are read (``formats.hdf5``).

A Dict's keys come in sorted order, ``x2`` before ``x10``; a Tuple's parts in theirs; each part row by row. Pictures
(uint8 of two dimensions or more) and texts are left out. Files and environments must agree: a policy is trained on
the one and acts in the other.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from becalm.errors import UserError, unknown
from becalm_policies.formats.parts import entries, order

Part = tuple[str, tuple[Any, ...], spaces.Box]
"""Name with slashes, keys that lead to it, and space."""


def parts(space: spaces.Space[Any], who: str, keys: Sequence[str] | None = None) -> list[Part]:
    """The parts of an observation that are vectors, in their order.

    Args:
        who: What they are, as a sentence begins.
        keys: Names of those to keep, in that order, or of what holds them; default: all.

    Raises:
        UserError: If there are none, a key is unknown, or a part is neither a Box nor left out.
    """
    there = list(_leaves(space, who, "", ()))
    if keys is not None:
        for key in keys:
            if not any(_within(name, key) for name, *_ in there):
                raise unknown(f"key of {who}", key, [name for name, *_ in there])
        there = [part for key in keys for part in there if _within(part[0], key)]
    if not there:
        raise UserError(f"{who} must hold vectors of numbers, got {_short(space)}")
    return there


class Flat(gymnasium.ObservationWrapper):  # type: ignore[misc]
    """An environment whose observation is one vector, float64.

    Args:
        who, keys: As for ``parts``.

    Attributes:
        names: What the vector's entries are called, as in files.
        keys: How many of them are of which part.
    """

    def __init__(self, env: Any, who: str, keys: Sequence[str] | None = None) -> None:
        super().__init__(env)
        self._parts = parts(env.observation_space, who, keys)
        self.keys = {name or "observation": int(np.prod(box.shape)) for name, _, box in self._parts}
        self.names = [entry for name, size in self.keys.items() for entry in entries(name, size)]
        low, high = (
            np.concatenate([np.asarray(getattr(box, end), np.float64).reshape(-1) for *_, box in self._parts])
            for end in ("low", "high")
        )
        self.observation_space = spaces.Box(low, high, dtype=np.float64)

    def observation(self, observation: Any) -> npt.NDArray[np.float64]:
        """The parts side by side."""
        return np.concatenate([_at(observation, way) for _, way, _ in self._parts])


def _leaves(space: spaces.Space[Any], who: str, name: str, way: tuple[Any, ...]) -> Iterator[Part]:
    if isinstance(space, spaces.Dict | spaces.Tuple):
        # Minari calls a Tuple's parts _index_0, _index_1.
        inner = space.spaces if isinstance(space, spaces.Dict) else range(len(space.spaces))
        for key in sorted(inner, key=lambda key: order(str(key))):
            called = key if isinstance(space, spaces.Dict) else f"_index_{key}"
            yield from _leaves(space.spaces[key], who, f"{name}/{called}" if name else str(called), (*way, key))
    elif isinstance(space, spaces.Box) and np.dtype(space.dtype).kind in "fiub":
        if not (space.dtype == np.uint8 and len(space.shape) >= 2):
            yield name, way, space
    elif not isinstance(space, spaces.Text):
        where = f"part {name!r} of the {who}" if name else who
        raise UserError(f"{where} must be a Box of numbers, or a Dict or Tuple of them, got {_short(space)}")


def _at(observation: Any, way: tuple[Any, ...]) -> npt.NDArray[np.float64]:
    for key in way:
        observation = observation[key]
    return np.asarray(observation, np.float64).reshape(-1)


def _within(name: str, key: str) -> bool:
    return name == key or name.startswith(f"{key}/")


def _short(space: spaces.Space[Any]) -> str:
    text = str(space)
    return text if len(text) <= 80 else f"{text[:77]}..."
