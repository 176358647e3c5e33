"""A claw game: one look at the scene, one point where the claw comes down (after the toy of Pearce et al. 2023).

Five shapes of our own lie in the square [-1, 1] x [-1, 1]. A demonstrator picks one of them with known probabilities,
the masses, and a point well within it. So p(action | observation) has separate modes with sharp edges, and the mean of
one mode, the ring, lies off the ring. Differs from the paper: the observation is the shapes' positions, not a picture.
"""

from functools import cache
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from becalm_policies.environments import shapes

Array = npt.NDArray[np.float64]

NAMES = shapes.NAMES
MASSES = (0.28, 0.24, 0.20, 0.16, 0.12)
"""How often a demonstrator picks each object."""
SIZE = 0.27
"""Radius of the disc about an object's position that holds it."""
MARGIN = 0.035
"""A demonstrator's points keep this distance from an object's edge."""
SCENES = 8
"""How many scenes there are unless asked for otherwise."""

_ROOM = 0.7
_APART = 2 * SIZE + 0.04
_AT_ONCE = 64
_PIXELS = 400
_FINE = 3
_COLOURS = ("#e0a63a", "#c8524f", "#e8cf4a", "#8b86c9", "#6aa66a")


class Claw(gymnasium.Env[Array, npt.NDArray[np.float32]]):  # type: ignore[misc]
    """The environment ``becalm/Claw-v0``: one step, reward 1 on an object, else 0.

    The observation is (10,): x, y of the star, the ring, the duck, the moon and the leaf. ``info`` has ``is_success``
    and ``object``: the name of what the claw caught, or ``none``.

    Args:
        scenes: How many scenes there are; 0 for a new one in each episode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012 (as gymnasium has it)

    def __init__(self, render_mode: str | None = None, scenes: int = SCENES) -> None:
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2 * len(NAMES),), np.float64)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._scenes = scenes
        self._scene = numbered(0)
        self._action: Array | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Lays out a scene; ``options={"scene": n}`` says which."""
        super().reset(seed=seed)
        if options is not None and "scene" in options:
            self._scene = numbered(int(options["scene"]))
        elif self._scenes:
            self._scene = numbered(int(self.np_random.integers(self._scenes)))
        else:
            self._scene = scene(self.np_random)
        self._action = None
        return self._scene.copy(), {"is_success": False, "object": "none"}

    def step(self, action: npt.ArrayLike) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Lets the claw down at the action."""
        self._action = np.clip(np.asarray(action, dtype=np.float64), -1, 1)
        caught = int(inside(self._action, self._scene))
        info = {"is_success": caught >= 0, "object": NAMES[caught] if caught >= 0 else "none"}
        return self._scene.copy(), float(caught >= 0), True, False, info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """(400, 400, 3) if the mode is ``rgb_array``."""
        if self.render_mode is None:
            return None
        return render_scene(self._scene, np.zeros((0, 2)) if self._action is None else self._action[None])


def scene(rng: np.random.Generator) -> Array:
    """Positions of the objects, (10,), that do not overlap."""
    upper = np.triu_indices(len(NAMES), 1)
    while True:
        positions = rng.uniform(-_ROOM, _ROOM, (_AT_ONCE, len(NAMES), 2))
        apart = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)[:, upper[0], upper[1]]
        good = (apart >= _APART).all(-1)
        if bool(good.any()):
            first: Array = positions[good.argmax()].reshape(-1)
            return first


@cache
def numbered(number: int) -> Array:
    """Scene ``number``, (10,); the same one always."""
    return scene(np.random.default_rng(number))


def objects(observation: Array) -> dict[str, tuple[float, float]]:
    """Names of the objects to their positions."""
    positions = np.reshape(observation, (len(NAMES), 2))
    return {name: (float(x), float(y)) for name, (x, y) in zip(NAMES, positions, strict=True)}


def inside(actions: Array, observations: Array) -> npt.NDArray[np.int64]:
    """Which object each action (..., 2) is on, in the order of ``NAMES``; -1 for none. Observations: (..., 10)."""
    actions, observations = np.asarray(actions, np.float64), np.asarray(observations, np.float64)
    objects_hit = np.full(np.broadcast_shapes(actions.shape[:-1], observations.shape[:-1]), -1, dtype=np.int64)
    for number, name in enumerate(NAMES):
        position = observations[..., 2 * number : 2 * number + 2]
        objects_hit = np.where(shapes.inside((actions - position) / SIZE, name), number, objects_hit)
    return objects_hit


def by_mass(share: float) -> int:
    """The object at a share in [0, 1) of all picks, when they are sorted by object."""
    return int(np.searchsorted(np.cumsum(MASSES)[:-1], share, side="right"))


def pick(number: int, observation: Array, rng: np.random.Generator) -> Array:
    """A demonstrator's point (2,) on an object: anywhere at least ``MARGIN`` from the edge."""
    name, position = NAMES[number], observation[2 * number : 2 * number + 2]
    while True:
        points = rng.uniform(-1, 1, (_AT_ONCE, 2))
        good = shapes.inside(points, name) & (SIZE * shapes.distance(points, name) >= MARGIN)
        if bool(good.any()):
            caught: Array = position + SIZE * points[good.argmax()]
            return caught


def render_scene(observation: Array, actions: Array) -> npt.NDArray[np.uint8]:
    """A scene with the points (N, 2) where claws came down, (400, 400, 3)."""
    from PIL import Image, ImageDraw

    size = _PIXELS * _FINE
    picture = Image.new("RGB", (size, size), "#f7f7f4")
    canvas = ImageDraw.Draw(picture)

    def pixels(points: Array) -> list[tuple[float, float]]:
        return [((x + 1) / 2 * size, (1 - y) / 2 * size) for x, y in points]

    for (name, position), colour in zip(objects(observation).items(), _COLOURS, strict=True):
        lines = [pixels(SIZE * line + position) for line in shapes.outlines(name)]
        for line, fill in zip(lines, (colour, "#f7f7f4"), strict=False):
            canvas.polygon(line, fill=fill)
            canvas.line([*line, line[0]], fill="#3b3f48", width=2 * _FINE, joint="curve")
    claw = 5 * _FINE if len(actions) == 1 else 2 * _FINE
    for x, y in pixels(actions):
        canvas.ellipse((x - claw, y - claw, x + claw, y + claw), fill="#2f67b1")
    return np.asarray(picture.resize((_PIXELS, _PIXELS), Image.Resampling.LANCZOS))
