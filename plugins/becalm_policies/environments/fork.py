"""A two-way fork: over or under the obstacle, both are good, and their mean is a crash.

The plane is [-1, 1] x [-1, 1]. The agent starts on the left, the goal is on the right, a round obstacle stands between
them. An observation is the agent's position, an action the one to go to; one step covers at most ``SPEED`` of the way.
Demonstrations leave the start over or under with equal chance, so a regression learns the mean: straight on.
"""

import math
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

START = (-0.85, 0.0)
GOAL = (0.85, 0.0)
GOAL_RADIUS = 0.1
OBSTACLE = (0.0, 0.0)
OBSTACLE_RADIUS = 0.35
AGENT_RADIUS = 0.04
SPEED = 0.06
"""Length of the longest step."""
SPREAD = (0.03, 0.01)
"""Half widths of the box that the agent starts in."""

_PIXELS = 400
_FINE = 3


class Fork(gymnasium.Env[Array, npt.NDArray[np.float32]]):  # type: ignore[misc]
    """The environment ``becalm/Fork-v0``.

    The reward is 1 at the goal, -1 for a crash, which ends the episode too, else 0. ``info`` has ``is_success``,
    ``crash``, and ``way``: ``over`` or ``under`` once the agent has passed the obstacle, before that ``none``.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 (as gymnasium has it)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._trail: list[Array] = [np.array(START)]
        self._way = "none"
        self._crash = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Starts an episode; ``options={"position": (x, y)}`` puts the agent there."""
        super().reset(seed=seed)
        position = np.array(START) + self.np_random.uniform(-1, 1, 2) * SPREAD
        options = options or {}
        asked = options.get("position", options.get("place"))  # Until 0.1 it was called place.
        if asked is not None:
            position = np.clip(np.asarray(asked, dtype=np.float64), -1, 1)
        self._trail, self._way, self._crash = [position], "none", False
        return position.copy(), self._info(False)

    def step(self, action: npt.ArrayLike) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Goes towards the action, which is clipped to the plane."""
        before = self._trail[-1]
        after = move(before, np.asarray(action, dtype=np.float64))
        self._trail.append(after)
        self._crash = hits(before, after)
        success = not self._crash and math.dist(after, GOAL) <= GOAL_RADIUS
        if before[0] < OBSTACLE[0] <= after[0] and not self._crash:
            self._way = "over" if after[1] > OBSTACLE[1] else "under"
        reward = 1.0 if success else -1.0 if self._crash else 0.0
        return after.copy(), reward, success or self._crash, False, self._info(success)

    def render(self) -> npt.NDArray[np.uint8] | None:
        """(400, 400, 3) if the mode is ``rgb_array``."""
        return None if self.render_mode is None else _render(self._trail, self._crash)

    def _info(self, success: bool) -> dict[str, Any]:
        return {"is_success": success, "crash": self._crash, "way": self._way}


def move(position: Array, target: Array) -> Array:
    """The position after one step, (..., 2): at the target, or ``SPEED`` nearer to it; never outside the plane."""
    offset = np.clip(target, -1, 1) - position
    length = np.linalg.norm(offset, axis=-1, keepdims=True)
    moved: Array = np.clip(position + offset * np.minimum(1.0, SPEED / np.maximum(length, 1e-12)), -1, 1)
    return moved


def hits(before: Array, after: Array) -> bool:
    """Whether the agent touches the obstacle anywhere on the way between two positions."""
    offset, to = after - before, np.array(OBSTACLE) - before
    length = float(offset @ offset)
    share = min(max(float(to @ offset) / length, 0.0), 1.0) if length > 0 else 0.0
    return math.dist(before + share * offset, OBSTACLE) < OBSTACLE_RADIUS + AGENT_RADIUS


def _render(trail: list[Array], crash: bool) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    size = _PIXELS * _FINE

    def pixel(position: Array | tuple[float, float]) -> tuple[float, float]:
        return (position[0] + 1) / 2 * size, (1 - position[1]) / 2 * size

    def disc(position: Array | tuple[float, float], radius: float, fill: str, outline: str | None = None) -> None:
        (x, y), r = pixel(position), radius / 2 * size
        pen.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=outline, width=2 * _FINE)

    picture = Image.new("RGB", (size, size), "#f7f7f4")
    pen = ImageDraw.Draw(picture)
    disc(GOAL, GOAL_RADIUS, "#cdeccd", "#5aa55a")
    disc(OBSTACLE, OBSTACLE_RADIUS, "#565b66", "#3b3f48")
    if len(trail) > 1:
        pen.line([pixel(position) for position in trail], fill="#7ea6dd", width=3 * _FINE, joint="curve")
        for position in trail[:-1]:
            disc(position, 0.012, "#7ea6dd")
    disc(trail[-1], AGENT_RADIUS, "#d33f3f" if crash else "#2f67b1")
    return np.asarray(picture.resize((_PIXELS, _PIXELS), Image.Resampling.LANCZOS))
