"""Small demonstrations of our own making."""

import numpy as np

from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.environments.pusht import GOAL


def pushing(count: int = 3, steps: int = 40, seed: int = 0) -> Episodes:
    """Episodes that look like Push-T's: states of 5 entries in the arena, the block near its goal at the end, positions
    as actions.
    """
    rng = np.random.default_rng(seed)
    observations, actions, ends = [], [], []
    for _ in range(count):
        length = steps + int(rng.integers(0, 9))
        path = np.cumsum(rng.normal(0, 4, (length, 5)) * [1, 1, 1, 1, 0.02], axis=0)
        state = path + [256, 256, 230, 280, 1.0] + rng.normal(0, 30, 5) * [1, 1, 1, 1, 0.02]
        state[:, 2:] += GOAL + rng.normal(0, 5, 3) * [1, 1, 0.02] - state[-1, 2:]
        observations.append(state)
        actions.append(state[:, :2] + rng.normal(0, 8, (length, 2)))
        ends.append(length)
    spec = {"action_low": [0.0, 0.0], "action_high": [512.0, 512.0]}
    return Episodes(
        np.concatenate(observations), np.concatenate(actions), np.cumsum(ends), None, "gym_pusht/PushT-v0", spec
    )
