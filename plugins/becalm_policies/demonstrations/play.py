"""One episode played by a demonstrator: what was observed, what was done, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm_policies.demonstrations.demonstrators import Demonstrator
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.environments.known import STATE

_STREAM = 0x6465


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One episode, kept or not.

    Attributes:
        observations, actions, rewards: (T, D), (T, A), (T,).
        success: None if the environment does not say.
        clipped: How many actions were clipped to the bounds.
        terminated: Whether the environment ended it, rather than a limit of steps.
        last: (D,) the observation after the last action.
        pictures: (T, H, W, 3) uint8 by camera, that belong to the observations.
    """

    observations: Array
    actions: Array
    rewards: Array
    success: bool | None
    clipped: int
    terminated: bool
    last: Array
    pictures: Mapping[str, Pixels] = field(default_factory=dict)


def play(env: Any, player: Demonstrator, *, number: int, limit: int, who: str = "the demonstrator") -> Attempt:
    """One episode, a function of its number.

    Args:
        limit: Steps at most.
        who: What to call the demonstrator when it fails.

    Raises:
        UserError: If it fails, or gives an action of another shape or one that is not finite.
    """
    rng = np.random.default_rng((_STREAM, number))
    space, kind = env.action_space, env.action_space.dtype
    observation, _ = env.reset(seed=number)
    observations, actions, rewards = [], [], []
    pictures: dict[str, list[Pixels]] = {}
    success: bool | None = None
    clipped, terminated = 0, False
    for step in range(limit):
        when = f"at step {step} of the episode with seed {number}"
        before, shown = _seen(observation)
        wanted = _action(player, before, rng, space.shape, who, when)
        # What is stored is what is done: within the bounds, in the environment's own precision.
        done = np.clip(wanted, space.low, space.high).astype(kind)
        clipped += bool((done != wanted.astype(kind)).any())
        observation, reward, terminated, truncated, info = env.step(done)
        observations.append(before)
        for name, picture in shown.items():
            pictures.setdefault(name, []).append(picture)
        actions.append(done.astype(np.float64))
        rewards.append(float(reward))
        if "is_success" in info:
            success = bool(info["is_success"]) or bool(success)
        if terminated or truncated:
            break
    return Attempt(
        np.array(observations),
        np.array(actions),
        np.array(rewards),
        success,
        clipped,
        bool(terminated),
        _seen(observation)[0],
        {name: np.array(each, np.uint8) for name, each in pictures.items()},
    )


def _seen(observation: Any) -> tuple[Array, dict[str, Pixels]]:
    """The vector of an observation, and the pictures of an environment that is made with cameras."""
    if not isinstance(observation, dict):
        return np.array(observation, dtype=np.float64), {}
    pictures = {name: np.array(part) for name, part in observation.items() if name != STATE}
    return np.array(observation[STATE], dtype=np.float64), pictures


def _action(
    player: Demonstrator, observation: Array, rng: np.random.Generator, shape: tuple[int, ...], who: str, when: str
) -> Array:
    try:
        given = player(observation.copy(), rng)
        action = np.asarray(given, dtype=np.float64)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{who} fails {when} with {type(error).__name__}: {error}") from error
    if action.shape != shape:
        raise UserError(f"{who} must give actions of shape {shape}, got {action.shape} {when}")
    if not np.isfinite(action).all():
        raise UserError(f"{who} must give finite actions, got {action.tolist()} {when}")
    return action
