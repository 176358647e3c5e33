"""Push-T played from recorded actions gives the recorded observations: the environment is the paper's."""

import os
from pathlib import Path

import numpy as np
import pytest

from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.environments.make import make
from becalm_policies.environments.pusht import DEMONSTRATIONS, deviation, replay, start_state

FIXTURES = Path(__file__).parents[2] / "fixtures" / "policies"
PIXELS = 1e-3
"""The recorded observations are float32 up to 512: rounded to 3e-5 px."""


def seed_of(observation: np.ndarray) -> int | None:
    """The seed of the human demonstration that starts with an observation (5,); None if it is none of them."""
    for seed in range(DEMONSTRATIONS):
        start = start_state(seed)
        turn = (start[4] - observation[4] + np.pi) % (2 * np.pi) - np.pi
        # The block is not compared by position: a reset moves it.
        if np.abs(observation[:2] - start[:2]).max() < 0.01 and abs(turn) < 0.5:
            return seed
    return None


def _largest(episodes: Episodes, seeds: list[int]) -> tuple[float, float]:
    env = make("gym_pusht/PushT-v0")
    largest = np.zeros(2)
    for seed, start, end in zip(seeds, episodes.starts, episodes.ends, strict=True):
        played = replay(env, start_state(seed), episodes.actions[start:end])
        largest = np.maximum(largest, deviation(played.observations, episodes.observations[start:end]))
    return float(largest[0]), float(largest[1])


@pytest.mark.parametrize("name", ["pusht.npz", "pusht-replay.npz"])
def test_replayed_actions_give_the_recorded_states(name: str) -> None:
    """The second file has the demonstrations that begin with agent and block in touch, where a start is hardest."""
    episodes = Episodes.read(FIXTURES / name)
    seeds = [seed_of(first) for first in episodes.observations[episodes.starts]]
    assert None not in seeds and len(set(seeds)) == 4
    pixels, radians = _largest(episodes, [seed for seed in seeds if seed is not None])
    assert pixels < PIXELS
    assert radians < 1e-5


def test_other_actions_do_not() -> None:
    episodes = Episodes.read(FIXTURES / "pusht.npz").take([0])
    seed = seed_of(episodes.observations[0])
    assert seed is not None
    changed = Episodes(episodes.observations, episodes.actions + np.array([30.0, 0.0]), episodes.ends)
    assert _largest(changed, [seed])[0] > 1
    assert seed_of(episodes.observations[0] + 5) is None


@pytest.mark.slow
@pytest.mark.skipif("BECALM_DATA" not in os.environ, reason="BECALM_DATA names no folder with the demonstrations")
def test_all_demonstrations_replay_and_score_what_the_anchors_say() -> None:
    from becalm_policies.environments import anchors
    from becalm_policies.formats.source import load

    episodes = load("pusht")
    assert len(episodes) == DEMONSTRATIONS
    assert _largest(episodes, list(range(DEMONSTRATIONS)))[0] < PIXELS
    env = make("gym_pusht/PushT-v0")
    played = [
        replay(env, start_state(number), episodes.actions[start:end])
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True))
    ]
    known = anchors("gym_pusht/PushT-v0")
    assert np.mean([each.rewards.max() for each in played]) == pytest.approx(known["human reward"], abs=1e-4)
    assert np.mean([each.success for each in played]) == pytest.approx(known["human success"])
