"""An environment that is looked at: its observations are dicts of a vector and the pictures of cameras.

Where the environment observes pictures itself they are taken as they are, under the last word of their keys; where it
only draws, what it draws is brought to size and is what every camera sees. The vector is that of ``environments.flat``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from becalm.errors import UserError
from becalm_policies.environments.flat import Flat
from becalm_policies.environments.known import STATE
from becalm_policies.environments.resize import resize

Cameras = Mapping[str, tuple[int, int]]


class Pictures(gymnasium.ObservationWrapper):  # type: ignore[misc]
    """Observations ``{"state": (D,), CAMERA: (H, W, 3) uint8}``.

    Args:
        env: One that observes pictures, or that draws (``render_mode="rgb_array"``).
        who, keys: As for ``Flat``.
        cameras: Names and sizes of the cameras.

    Attributes:
        names, keys: Of the vector, as those of ``Flat``.

    Raises:
        UserError: If it has no such camera, or no vector beside its pictures.
    """

    def __init__(self, env: Any, who: str, keys: Sequence[str] | None, cameras: Cameras) -> None:
        super().__init__(env)
        self._sizes = dict(cameras)
        self._ways = _named(dict(_pictures(env.observation_space, "", ())), cameras, who)
        # Of its wrapping only what it makes of an observation is used.
        self._vector = Flat(env, who, keys)
        self.names, self.keys = self._vector.names, self._vector.keys
        fields: dict[str, Any] = {STATE: self._vector.observation_space}
        fields |= {name: spaces.Box(0, 255, (*size, 3), np.uint8) for name, size in cameras.items()}
        self.observation_space = spaces.Dict(fields)

    def observation(self, observation: Any) -> dict[str, Any]:
        """The vector and the pictures."""
        drawn = None if self._ways else self.env.render()
        seen = {name: drawn if drawn is not None else _at(observation, self._ways[name]) for name in self._sizes}
        pictures = {name: resize(picture, self._sizes[name]) for name, picture in seen.items()}
        return {STATE: self._vector.observation(observation), **pictures}


def _pictures(space: Any, name: str, way: tuple[Any, ...]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Name and way of each picture of an observation."""
    if isinstance(space, spaces.Dict):
        for key, below in space.spaces.items():
            yield from _pictures(below, str(key), (*way, key))
    elif isinstance(space, spaces.Box) and space.dtype == np.uint8 and space.shape[2:] == (3,):
        yield name, way


def _named(there: Mapping[str, tuple[Any, ...]], cameras: Cameras, who: str) -> dict[str, tuple[Any, ...]]:
    """The way to each camera's pictures; a single camera has the single picture, whatever that is called."""
    if len(there) == len(cameras) == 1:
        return dict(zip(cameras, there.values(), strict=True))
    for name in cameras:
        if there and name not in there:
            raise UserError(f"{who} must hold pictures of camera {name}, got {', '.join(there)}")
    return {name: there[name] for name in cameras if there}


def _at(observation: Any, way: tuple[Any, ...]) -> Any:
    for key in way:
        observation = observation[key]
    return observation
