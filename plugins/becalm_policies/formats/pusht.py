"""Push-T's human demonstrations (Chi et al. 2023): 206 episodes of state (5) and action (2), in pixels and radians.

They come as a .npz or a zarr with tables ``state`` and ``action``, names that others use as well. So they are known by
their values: keypoints that are the block's, or an agent in the arena that goes where its action says.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.observe import keypoints

SPEC: dict[str, Any] = {
    "observation": ["agent x", "agent y", "block x", "block y", "block angle"],
    "action": ["target x", "target y"],
    "action_low": [0.0, 0.0],
    "action_high": [512.0, 512.0],
    "source": "Push-T, human demonstrations",
    "rate": 10.0,
}
_SIDE = 512.0
_WIDE, _FOLLOWS = 100.0, 0.5
"""Least range of positions in px, and how far from its action the agent is a step later, in standard deviations."""


def is_push_t(state: Array, action: Array, ends: npt.NDArray[Any], points: Array | None = None) -> bool:
    """Whether states (N, 5) and actions (N, 2) are of Push-T.

    Args:
        ends: (E,) one past the last step of each episode.
        points: (N, 9, 2) the block's keypoints, which settle it where they are there.
    """
    if state.shape[1:] != (5,) or action.shape != (len(state), 2) or len(state) < 2:
        return False
    if points is not None:
        apart = keypoints(state[:, 2:4], state[:, 4]).reshape(-1, 9, 2) - points
        return bool(np.median(np.abs(apart)) < 1)
    places = np.concatenate([state[:, :4], action], axis=1)
    inside = places.min() >= 0 and places.max() <= _SIDE and state[:, 4].min() >= 0 and state[:, 4].max() <= 2 * math.pi
    agent = state[:, :2]
    within = np.ones(len(state), dtype=bool)
    within[np.clip(ends - 1, 0, len(state) - 1).astype(int)] = False
    now = np.flatnonzero(within[:-1])
    if not inside or len(now) == 0 or np.ptp(agent, axis=0).min() < _WIDE:
        return False
    away = np.hypot(*(agent[now + 1] - action[now]).T)
    return bool(np.median(away) < _FOLLOWS * agent.std())
