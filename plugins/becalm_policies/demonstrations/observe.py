"""Observations to features, as declared configuration: what a network sees of what an environment reports."""

import math
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.keys import Keys
from becalm_policies.environments.pusht import GOAL, Pose

# The nine keypoints of the block in its own frame, pixels, as in the data of Chi et al. 2023.
KEYPOINTS = np.array(
    [
        (9.27, 90.04),
        (-60.98, -1.19),
        (60.91, -1.39),
        (-0.27, 25.54),
        (-14.06, 122.82),
        (39.00, 32.86),
        (-39.97, 32.73),
        (-16.82, 62.86),
        (23.54, -1.70),
    ]
)
_RIGHT = np.array([1.0, -1.0])
"""(x, y) turned by a quarter to the right is (y, -x), to the left (-y, x)."""
_STILL, _QUARTER = KEYPOINTS.flatten(), (KEYPOINTS[:, ::-1] * -_RIGHT).flatten()


class Raw(Keys):
    """The observation as it is."""

    kind: Literal["raw"] = "raw"

    @property
    def turning(self) -> tuple[int, ...]:
        """Observed entries that are angles in radians."""
        return ()

    def size(self, observation: int) -> int:
        """Entries of the features of an observation with that many."""
        return observation

    def sources(self, observation: int) -> list[int] | None:
        """(F,) the observed entry that each feature is of; None where features are of several."""
        return list(range(observation))

    def __call__(self, observations: Array, goal: Pose = GOAL) -> Array:
        """(..., D) to (..., F).

        Args:
            goal: Push-T's, for the features that look at it.
        """
        return observations


class SinCos(Keys):
    """Angles become sine and cosine, which have no jump at a full turn."""

    kind: Literal["sincos"] = "sincos"
    angles: tuple[int, ...] = Field((), description="Entries that are angles in radians.")

    @property
    def turning(self) -> tuple[int, ...]:
        """Observed entries that are angles in radians."""
        return self.angles

    def size(self, observation: int) -> int:
        self._check(observation)
        return observation + len(self.angles)

    def sources(self, observation: int) -> list[int] | None:
        return [*self._others(observation), *self.angles, *self.angles]

    def __call__(self, observations: Array, goal: Pose = GOAL) -> Array:
        self._check(observations.shape[-1])
        others = self._others(observations.shape[-1])
        angles = observations[..., list(self.angles)]
        return np.concatenate([observations[..., others], np.sin(angles), np.cos(angles)], axis=-1)

    def _others(self, observation: int) -> list[int]:
        return [entry for entry in range(observation) if entry not in self.angles]

    def _check(self, observation: int) -> None:
        wrong = [entry for entry in self.angles if not 0 <= entry < observation]
        if wrong:
            raise UserError(f"angles must be entries of the observation, 0 to {observation - 1}, got {wrong[0]}")


class PushT(Keys):
    """Push-T's pose as nine keypoints on the block and the agent's position, pixels (Chi et al. 2023).

    ``frame`` adds the agent as the block sees it, and waves of it: where an edge lies is sharp in that frame. ``goal``
    adds how far each keypoint is from its goal, squashed so that the last pixels count.
    """

    kind: Literal["pusht"] = "pusht"
    frame: bool = Field(True, description="Add the agent in the block's frame.")
    waves: tuple[float, ...] = Field((120.0, 60.0, 30.0), description="Wavelengths in that frame, pixels.")
    goal: tuple[float, ...] = Field((20.0, 5.0), description="Widths in pixels of the squashed errors to the goal.")

    @property
    def turning(self) -> tuple[int, ...]:
        """Observed entries that are angles in radians."""
        return (4,)

    def size(self, observation: int) -> int:
        self._check(observation)
        frame = 2 + 4 * len(self.waves) if self.frame else 0
        return 2 * len(KEYPOINTS) + 2 + frame + 2 * len(KEYPOINTS) * len(self.goal)

    def sources(self, observation: int) -> list[int] | None:
        return None

    def __call__(self, observations: Array, goal: Pose = GOAL) -> Array:
        self._check(observations.shape[-1])
        agent, block, angle = observations[..., 0:2], observations[..., 2:4], observations[..., 4]
        cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
        points = _turned(block, cosine, sine)
        parts = [points, agent]
        # Few array operations: at one observation each costs as much as a thousandth of a chunk.
        if self.frame:
            away = agent - block
            seen = cosine * away + sine * (away[..., ::-1] * _RIGHT)
            phase = seen[..., None, :] * _frequencies(self.waves)
            waves = np.concatenate([np.sin(phase), np.cos(phase)], -1)
            parts += [seen, waves.reshape(*seen.shape[:-1], 4 * len(self.waves))]
        if self.goal:
            error = (points - _goal_points(goal))[..., None, :] / _column(self.goal)
            parts.append(np.tanh(error).reshape(*points.shape[:-1], points.shape[-1] * len(self.goal)))
        return np.concatenate(parts, axis=-1)

    def _check(self, observation: int) -> None:
        if observation != 5:
            raise UserError(
                f"observe pusht needs observations of 5 entries (agent x, y, block x, y, angle), got {observation}"
            )


Observe = Annotated[Raw | SinCos | PushT, Field(discriminator="kind")]


def keypoints(block: Array, angle: Array | float) -> Array:
    """(..., 18) keypoints of a block at (..., 2), turned by (...) radians."""
    return _turned(block, np.cos(angle)[..., None], np.sin(angle)[..., None])


def _turned(block: Array, cosine: Array, sine: Array) -> Array:
    """(..., 18) keypoints of a block at (..., 2), turned by an angle of that cosine and sine, (..., 1)."""
    points: Array = cosine * _STILL + sine * _QUARTER
    # A view, through which the block's place is added to each point.
    apart = points.reshape(*points.shape[:-1], len(KEYPOINTS), 2)
    apart += block[..., None, :]
    return points


@lru_cache(maxsize=8)
def _column(values: tuple[float, ...]) -> Array:
    """(K, 1) numbers as an array."""
    return np.array(values)[:, None]


@lru_cache(maxsize=8)
def _frequencies(waves: tuple[float, ...]) -> Array:
    """(K, 1) in radians per pixel, of wavelengths in pixels."""
    return 2 * math.pi / _column(waves)


@lru_cache(maxsize=8)
def _goal_points(goal: Pose) -> Array:
    """(18,) keypoints of the block in its goal."""
    points = keypoints(np.array(goal[:2]), goal[2])
    points.flags.writeable = False
    return points
