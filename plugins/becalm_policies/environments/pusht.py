"""Push-T as its paper has it: starts sampled from a seed, and recorded actions played again.

The people who recorded the 206 demonstrations of Chi et al. 2023 started episode k from the samples of seed k. Played
from there, their actions give the recorded observations to the rounding of the file: the environment is the paper's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

Pose = tuple[float, float, float]
"""Of the block: x, y in pixels, angle in radians."""

DEMONSTRATIONS = 206
GOAL: Pose = (256.0, 256.0, math.pi / 4)
"""Pose of the block in the paper's goal."""
_MASS = 45.0
"""The block's centre of mass lies on its stem, so many pixels from its origin (gym_pusht)."""
# Corners of the block's outline in its own frame, pixels (gym_pusht).
_CORNERS = np.array(
    [(-60, 0), (60, 0), (60, 30), (15, 30), (15, 120), (-15, 120), (-15, 30), (-60, 30), (-60, 0)], np.float64
)


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """What a replay gives.

    Attributes:
        observations: (T, 5), before each action, as the recorded ones.
        rewards: (T,), after each action.
        success: Whether the block covered more than 95 % of the goal after any action.
    """

    observations: Array
    rewards: Array
    success: bool


def start_state(seed: int) -> list[float]:
    """Agent x, y, block x, y in px and angle in radians, as ``reset_to_state`` takes them.

    In the order of diffusion_policy/env/pusht/pusht_env.py, from numpy's old generator, as there.
    """
    rng = np.random.RandomState(seed)
    positions = [rng.randint(50, 450), rng.randint(50, 450), rng.randint(100, 400), rng.randint(100, 400)]
    return [*map(float, positions), float(rng.randn() * 2 * np.pi - np.pi)]


def outline(pose: npt.ArrayLike) -> Array:
    """(9, 2) corners of the block at (x, y, angle)."""
    x, y, angle = np.asarray(pose)
    cosine, sine = np.cos(angle), np.sin(angle)
    corners: Array = _CORNERS @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return corners


def replay(env: Any, start: Sequence[float], actions: Array) -> Replay:
    """Plays all actions (T, 2), past success too, as the people did.

    Args:
        env: ``make("gym_pusht/PushT-v0")``.
        start: For ``reset_to_state``, as ``start_state`` gives it.
    """
    observation, _ = env.reset(seed=0, options={"reset_to_state": list(start)})
    # The time limit is the wrapper's, and the people took as long as they liked.
    bare = env.unwrapped
    observations, rewards, success = [observation], [], False
    for action in actions:
        observation, reward, terminated, _, _ = bare.step(np.asarray(action, dtype=np.float64))
        observations.append(observation)
        rewards.append(float(reward))
        success = success or bool(terminated)
    return Replay(np.array(observations[:-1]), np.array(rewards), success)


def draw(env: Any, state: Array) -> npt.NDArray[np.uint8]:
    """The picture (H, W, 3) that the environment observes in a state (5,), marks of contact included.

    Args:
        env: ``make("gym_pusht/PushT-v0", cameras=...)``.
    """
    # A reset sets the place, then turns the block about its centre of mass, which moves it: it is set off by as much.
    turned = (-math.sin(state[4]) * _MASS, math.cos(state[4]) * _MASS - _MASS)
    start = [state[0], state[1], state[2] + turned[0], state[3] + turned[1], state[4]]
    observation, _ = env.unwrapped.reset(options={"reset_to_state": [float(entry) for entry in start]})
    picture: npt.NDArray[np.uint8] = observation["pixels"]
    return picture


def deviation(replayed: Array, recorded: Array) -> tuple[float, float]:
    """The largest distance in px of agent or block, and the largest turn in radians between observations (T, 5)."""
    apart = replayed - recorded
    turn = np.abs((apart[:, 4] + np.pi) % (2 * np.pi) - np.pi)
    distances = np.linalg.norm(apart[:, :4].reshape(-1, 2, 2), axis=-1)
    return float(distances.max()), float(turn.max())
