"""Each start is played exactly once, to its end and no further, whatever is beside it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from scripted import perceptron, plain

from becalm.errors import UserError
from becalm_policies.control.policy import policy
from becalm_policies.environments.known import PUSHT
from becalm_policies.environments.make import make
from becalm_policies.environments.pusht import start_state
from becalm_policies.rollouts.protocol import Start, rules, start
from becalm_policies.rollouts.rollout import Rollout, play


class Count(gymnasium.Env):  # type: ignore[misc]
    """Gives reward 1 a step; the episode of seed s succeeds after s + 1 steps, and would go on if it were stepped."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-9.0, 9.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.seed, self.step_number = seed or 0, 0
        self.offset = (options or {}).get("offset", 0.0)
        return self.seen(), {}

    def seen(self) -> Any:
        return np.array([self.seed + self.offset, self.step_number], dtype=np.float64)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.step_number += 1
        ended = self.step_number == self.seed + 1
        return self.seen(), 1.0, ended, False, {"is_success": ended, "word": f"w{self.seed}", "last": ended}


def starts(*seeds: int) -> list[Start]:
    return [Start(10 + place, seed) for place, seed in enumerate(seeds)]


def played(of: Sequence[Start], act: Any = lambda seen: seen[:, 1:], **options: Any) -> list[Rollout]:
    found = [rollout for tick in play(Count, act, of, **options) for rollout in tick.finished]
    return sorted(found, key=lambda rollout: rollout.outcome.episode)


@pytest.mark.parametrize("parallel", [1, 2, 5, 50])
def test_each_start_runs_exactly_one_episode(parallel: int) -> None:
    found = played(starts(3, 0, 7, 1, 1), parallel=parallel)
    assert [rollout.outcome.episode for rollout in found] == [10, 11, 12, 13, 14]
    assert [rollout.outcome.steps for rollout in found] == [4, 1, 8, 2, 2]
    # Nothing is added after the end, though others of the round go on.
    assert [rollout.outcome.total for rollout in found] == [4, 1, 8, 2, 2]
    assert all(rollout.outcome.success and rollout.outcome.best == 1 for rollout in found)
    assert [rollout.actions[:, 0].tolist() for rollout in found[:2]] == [[0, 1, 2, 3], [0]]


def test_a_finished_environment_keeps_its_last_observation() -> None:
    seen: list[Any] = []

    def act(observations: Any) -> Any:
        seen.append(observations.copy())
        return observations[:, 1:]

    played(starts(0, 4), act)
    assert [rows[0].tolist() for rows in seen] == [[0, 0], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_an_episode_is_cut_at_the_limit_and_has_not_succeeded() -> None:
    found = played(starts(1, 9), limit=3)
    assert [(rollout.outcome.steps, rollout.outcome.success) for rollout in found] == [(2, True), (3, False)]


def test_what_the_environment_says_at_the_end_is_noted() -> None:
    found = played(starts(1, 9), limit=3)
    assert [dict(rollout.outcome.notes) for rollout in found] == [
        {"word": "w1", "last": True},
        {"word": "w9", "last": False},
    ]


def test_each_start_has_its_own_options() -> None:
    first: list[Any] = []

    def act(observations: Any) -> Any:
        first.append(observations[:, 0].tolist())
        return observations[:, 1:]

    played([Start(0, 2, {"offset": 0.5}), Start(1, 2)], act)
    assert first[0] == [2.5, 2.0]


def test_processes_of_their_own_change_nothing() -> None:
    here, there = played(starts(3, 0, 2)), played(starts(3, 0, 2), workers=2)
    assert [rollout.outcome for rollout in here] == [rollout.outcome for rollout in there]


def test_a_policy_acts_the_same_however_many_environments_are_beside() -> None:
    actor = policy(perceptron(plain(2, 1)), steps=2)
    one = played(starts(5, 2, 9), actor, parallel=1)
    for other, rollout in zip(played(starts(5, 2, 9), actor, parallel=3), one, strict=True):
        assert other.actions == pytest.approx(rollout.actions, abs=1e-5)


def test_pushed_starts_are_those_of_the_paper() -> None:
    env = make(PUSHT)
    for episode in (0, 7):
        begin = start("chi", episode)
        seen, _ = env.reset(seed=begin.seed, options=dict(begin.options or {}))
        state = start_state(100_000 + episode)
        # Setting the angle last turns the block about another point than its position; so it does in the paper's.
        assert seen[:2] == pytest.approx(state[:2], abs=1.0)
        assert np.cos(seen[4] - state[4]) == pytest.approx(1.0, abs=1e-3)
    env.close()
    draw = np.random.RandomState(100_007)
    assert start_state(100_007)[:2] == [draw.randint(50, 450), draw.randint(50, 450)]


def test_protocols_have_their_numbers_of_episodes_and_steps() -> None:
    assert (rules("chi", PUSHT).episodes, rules("chi", PUSHT).limit) == (50, 300)
    assert (rules("lerobot", PUSHT).episodes, start("lerobot", 4).seed) == (500, 100_004)
    assert (rules("gym", "Any-v0").episodes, start("gym", 4, seed=3).seed) == (100, 7)
    with pytest.raises(UserError, match="protocol chi is for gym_pusht/PushT-v0, got environment Any-v0"):
        rules("chi", "Any-v0")
    with pytest.raises(UserError, match="unknown protocol 'gim'.*did you mean 'gym'"):
        rules("gim", "Any-v0")


def test_an_episode_played_again_is_the_same() -> None:
    maker = partial(make, "becalm/Fork-v0")
    rng = np.random.default_rng(0)
    begin = [start("gym", 3)]
    (first,) = [r for tick in play(maker, lambda seen: rng.uniform(-1, 1, (1, 2)), begin) for r in tick.finished]
    actions = iter(first.actions)
    (again,) = [r for tick in play(maker, lambda seen: next(actions)[None], begin) for r in tick.finished]
    assert again.outcome == first.outcome and np.array_equal(again.rewards, first.rewards)
