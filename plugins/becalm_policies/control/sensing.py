"""What an environment or a robot reports, taken apart: a vector of numbers, and the pictures of cameras.

A policy without cameras gets a vector. One with cameras gets a dict as environments give it: pictures by the name of
their camera, with or without LeRobot's ``observation.images.`` before it, and vectors, which stand side by side in
sorted order of key, as gymnasium flattens a Dict; LeRobot's ``observation.environment_state`` comes last. A single
picture under any name is that of a single camera.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm_policies.demonstrations.frames import Pixels

_PREFIXES = ("observation.", "images.", "pixels.")
_LAST = "observation.environment_state"
"""Comes after the robot's state, as in LeRobot's datasets and policies."""


def apart(observation: Any, cameras: Mapping[str, tuple[int, int]]) -> tuple[Any, dict[str, Pixels]]:
    """The vector of an observation, (D,) or (B, D), and its pictures, (H, W, 3) or (B, H, W, 3), by camera.

    Without cameras the observation comes back as it is.

    Args:
        cameras: Names and sizes of a policy's cameras.

    Raises:
        UserError: If it is no dict although there are cameras, or a picture or the vectors are missing.
    """
    if not cameras:
        return observation, {}
    if not isinstance(observation, Mapping):
        raise UserError(f"an observation must be a dict with the pictures of {', '.join(cameras)} and a vector")
    parts = dict(_leaves(observation, ""))
    pictures = {name: part for name, part in parts.items() if part.dtype == np.uint8 and part.ndim >= 3}
    vectors = [np.asarray(part, np.float64) for name, part in parts.items() if name not in pictures]
    if not vectors:
        raise UserError("an observation must hold a vector of numbers beside its pictures, it holds none")
    if len(cameras) == len(pictures) == 1:
        pictures = dict(zip(cameras, pictures.values(), strict=True))
    for name in cameras:
        if name not in pictures:
            there = ", ".join(pictures) or "none"
            raise UserError(f"an observation must hold the uint8 picture of camera {name}, its pictures are {there}")
    leading = next(iter(pictures.values())).ndim - 3
    flat = [vector.reshape(*vector.shape[:leading], -1) for vector in vectors]
    return np.concatenate(flat, axis=-1), {name: pictures[name] for name in cameras}


def called(key: str) -> str:
    """What an array is called whose key may have LeRobot's prefixes, such as ``top`` for ``observation.images.top``."""
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def window_of(
    observations: Sequence[Any], cameras: Mapping[str, tuple[int, int]], frames: int, count: int
) -> tuple[npt.NDArray[np.float64], dict[str, Pixels]]:
    """The last observations of an environment, oldest first, as ``count`` equal windows for ``Policy.plan``.

    Args:
        frames: Newest pictures that a policy looks at.

    Returns:
        (count, To, D), and by camera (count, f, H, W, 3).
    """
    parts = [apart(observation, cameras) for observation in observations]
    vectors = np.stack([np.asarray(vector, np.float64) for vector, _ in parts])
    seen = {name: np.stack([pictures[name] for _, pictures in parts[-frames:]]) for name in cameras}
    return np.stack([vectors] * count), {name: np.stack([each] * count) for name, each in seen.items()}


def _leaves(node: Mapping[str, Any], name: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Arrays by name, in sorted order of key; LeRobot's prefixes left out."""
    for key in sorted(node, key=lambda key: (key == _LAST, key)):
        here = f"{name}.{key}" if name else str(key)
        if isinstance(node[key], Mapping):
            yield from _leaves(node[key], here)
            continue
        yield called(here), np.asarray(node[key])
