"""What is done to demonstrations before they are cut into windows: symmetries of the task, as declared configuration.

``pusht_align`` moves each Push-T demonstration as a rigid whole so that the block ends exactly in its goal pose. People
stop a few pixels short (coverage .86 to .97), and a policy that copies where they stop stops there too; away from the
walls the physics do not change under a rigid motion, so the moved demonstration is one that ends right.

``pusht_mirror`` adds each demonstration seen in a mirror. The T is its own mirror image about its stem, and the goal's
stem lies on a diagonal of the square arena: reflecting the plane there maps goal, walls and physics onto themselves.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.environments.pusht import GOAL

Preparation = Literal["pusht_align", "pusht_mirror"]
_SIDE = 512.0


def prepare(episodes: Episodes, names: Sequence[Preparation]) -> Episodes:
    """The episodes after each preparation in turn.

    Raises:
        UserError: If a preparation does not fit the episodes.
    """
    for name in names:
        if episodes.observations.shape[1] != 5 or episodes.actions.shape[1] != 2:
            sizes = (episodes.observations.shape[1], episodes.actions.shape[1])
            raise UserError(f"{name} is for Push-T states: 5 observed entries and 2 of action, got {sizes}")
        episodes = _PREPARATIONS[name](episodes)
    return episodes


def align(episodes: Episodes) -> Episodes:
    """Each episode moved rigidly so that its last block pose is the goal."""
    observations, actions = episodes.observations.copy(), episodes.actions.copy()
    final = observations[episodes.ends - 1] if episodes.last is None else episodes.last.copy()
    for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
        here, pose = slice(start, end), final[number, 2:5].copy()
        turn = (GOAL[2] - pose[2] + math.pi) % (2 * math.pi) - math.pi
        for states in (observations[here], final[number : number + 1]):
            for points in (states[:, 0:2], states[:, 2:4]):
                points[:] = _turned(points - pose[:2], turn) + GOAL[:2]
            states[:, 4] += turn
        actions[here] = _turned(actions[here] - pose[:2], turn) + GOAL[:2]
    last = None if episodes.last is None else final
    return replace(episodes, observations=observations, actions=actions, last=last)


def mirror(episodes: Episodes) -> Episodes:
    """The episodes, and all of them reflected about the goal's stem, x + y = 512."""
    reflected = replace(
        episodes,
        observations=_mirrored(episodes.observations),
        actions=_reflected(episodes.actions),
        last=None if episodes.last is None else _mirrored(episodes.last),
    )
    return Episodes.join([episodes, reflected])


def _mirrored(states: Array) -> Array:
    """States (N, 5) reflected."""
    angle = (math.pi / 2 - states[:, 4:5]) % (2 * math.pi)
    return np.concatenate([_reflected(states[:, 0:2]), _reflected(states[:, 2:4]), angle], axis=1)


def _turned(points: Array, angle: float) -> Array:
    cosine, sine = math.cos(angle), math.sin(angle)
    turned: Array = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def _reflected(points: Array) -> Array:
    return _SIDE - points[:, ::-1]


_PREPARATIONS: Mapping[str, Callable[[Episodes], Episodes]] = {"pusht_align": align, "pusht_mirror": mirror}
