"""What is done to demonstrations before they are cut into windows: symmetries of the task, as declared configuration.

``pusht_align`` moves each Push-T demonstration as a rigid whole so that the block ends exactly in its goal pose. People
stop a few pixels short (coverage .86 to .97), and a policy that copies where they stop stops there too; away from the
walls the physics do not change under a rigid motion, so the moved demonstration is one that ends right.

``pusht_mirror`` adds each demonstration seen in a mirror. The T is its own mirror image about its stem; where the
goal's stem lies on a diagonal of the square arena, reflecting the plane there maps goal, walls and physics onto
themselves.

Both look whether the demonstrations are of the goal that they are told.

``clip`` takes each action back into its bounds: what an environment executes of it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from becalm.errors import UserError, unknown
from becalm_policies.demonstrations.episodes import Array, Episodes, Indices
from becalm_policies.environments.pusht import GOAL, Pose

Preparation = Literal["pusht_align", "pusht_mirror", "clip"]
_SIDE = 512.0
_NEAR, _TURN = 40.0, 0.5
"""How far from its goal a demonstration may end: pixels and radians. People stop within 14 and 0.17."""
_EXACT = 1e-3
"""By how much, in pixels and radians, a goal may miss the mirror."""


def prepare(episodes: Episodes, names: Sequence[str], goal: Pose = GOAL) -> Episodes:
    """The episodes after each preparation in turn.

    Args:
        goal: Push-T's.

    Raises:
        UserError: If a preparation does not fit the episodes: they have no bounds, are no states of Push-T, do not end
            at the goal, or the goal is not its own mirror image.
    """
    for name in names:
        if name not in (*_PREPARATIONS, "clip"):
            raise unknown("preparation", name, (*_PREPARATIONS, "clip"))
        if name == "clip":
            episodes = clip(episodes)
            continue
        if episodes.cameras:
            raise UserError(f"{name} moves states and not their pictures: prepare first, by becalm policies render")
        sizes = (episodes.observations.shape[1], episodes.actions.shape[1])
        if sizes != (5, 2):
            raise UserError(f"{name} is for Push-T states: 5 observed entries and 2 of action, got {sizes}")
        _check_goal(name, episodes, goal)
        episodes = _PREPARATIONS[name](episodes, goal)
    return episodes


def clip(episodes: Episodes) -> Episodes:
    """The episodes with the actions that were executed.

    Raises:
        UserError: If the bounds of the actions are not known.
    """
    low, high = (episodes.spec.get(name) for name in ("action_low", "action_high"))
    if low is None or high is None:
        raise UserError("clip needs bounds of the actions, and the demonstrations came without them")
    return replace(episodes, actions=np.clip(episodes.actions, low, high))


def align(episodes: Episodes, goal: Pose = GOAL) -> Episodes:
    """Each episode moved rigidly so that its last block pose is the goal."""
    observations, actions = episodes.observations.copy(), episodes.actions.copy()
    final = _final(episodes).copy()
    for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
        here, pose = slice(start, end), final[number, 2:5].copy()
        turn = _turn(pose[2], goal)
        for states in (observations[here], final[number : number + 1]):
            for points in (states[:, 0:2], states[:, 2:4]):
                points[:] = _turned(points - pose[:2], turn) + goal[:2]
            states[:, 4] += turn
        actions[here] = _turned(actions[here] - pose[:2], turn) + goal[:2]
    last = None if episodes.last is None else final
    return replace(episodes, observations=observations, actions=actions, last=last)


def mirror(episodes: Episodes, goal: Pose = GOAL) -> Episodes:
    """The episodes, and all of them reflected about the diagonal x + y = 512.

    Raises:
        UserError: If the goal's stem does not lie on it.
    """
    reflected_goal = _mirrored(np.array([[0.0, 0.0, *goal]]))[0, 2:]
    apart = [*(reflected_goal[:2] - goal[:2]), _turn(reflected_goal[2], goal)]
    if np.abs(apart).max() > _EXACT:
        raise UserError(
            f"pusht_mirror needs a goal that is its own mirror image about x + y = {_SIDE:g}, with angle pi/4 or "
            f"5 pi/4, got {said(goal)}"
        )
    reflected = replace(
        episodes,
        observations=_mirrored(episodes.observations),
        actions=_reflected(episodes.actions),
        last=None if episodes.last is None else _mirrored(episodes.last),
    )
    return Episodes.join([episodes, reflected])


def off_goal(episodes: Episodes, goal: Pose) -> Indices:
    """The episodes of Push-T that end elsewhere."""
    away, turned = _to_goal(episodes, goal)
    return np.flatnonzero((away > _NEAR) | (turned > _TURN))


def said(goal: Pose) -> str:
    """A goal in a sentence."""
    return f"({', '.join(f'{value:.4g}' for value in goal)})"


def _to_goal(episodes: Episodes, goal: Pose) -> tuple[Array, Array]:
    """(E,) how far from the goal each episode ends, in pixels and in radians."""
    final = _final(episodes)
    return np.hypot(final[:, 2] - goal[0], final[:, 3] - goal[1]), np.abs(_turn(final[:, 4], goal))


def _check_goal(name: str, episodes: Episodes, goal: Pose) -> None:
    wrong = off_goal(episodes, goal)
    if len(wrong):
        first = int(wrong[0])
        away, turned = (apart[first] for apart in _to_goal(episodes, goal))
        raise UserError(
            f"{name} is for demonstrations that end at the goal {said(goal)}, but {len(wrong)} of {len(episodes)} do "
            f"not, number {first} {away:.3g} px and {turned:.2g} rad away: set goal, or take them out"
        )


def _final(episodes: Episodes) -> Array:
    """(E, 5) the last state that is known of each episode."""
    return episodes.observations[episodes.ends - 1] if episodes.last is None else episodes.last


def _turn(angle: Array | float, goal: Pose) -> Array:
    """From angles to the goal's, within half a turn."""
    turn: Array = (goal[2] - np.asarray(angle) + math.pi) % (2 * math.pi) - math.pi
    return turn


def _mirrored(states: Array) -> Array:
    """States (N, 5) reflected."""
    angle = (math.pi / 2 - states[:, 4:5]) % (2 * math.pi)
    return np.concatenate([_reflected(states[:, 0:2]), _reflected(states[:, 2:4]), angle], axis=1)


def _turned(points: Array, angle: Array | float) -> Array:
    cosine, sine = math.cos(angle), math.sin(angle)
    turned: Array = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def _reflected(points: Array) -> Array:
    return _SIDE - points[:, ::-1]


_PREPARATIONS: Mapping[str, Callable[[Episodes, Pose], Episodes]] = {"pusht_align": align, "pusht_mirror": mirror}
