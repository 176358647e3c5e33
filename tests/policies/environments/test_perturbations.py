"""Perturbed environments are the environment but for what is perturbed, and the same for whoever plays them."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_policy import made

from becalm.errors import UserError
from becalm.plugin.report import Table
from becalm_policies.environments.known import PUSHT
from becalm_policies.environments.make import make
from becalm_policies.environments.perturbations import draws, perturb, read
from becalm_policies.options import EvaluateOptions
from becalm_policies.verbs.evaluate import run

FORK = "becalm/Fork-v0"


def play(id: str, *words: str, seed: int = 3, steps: int = 12, drawn: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Observations (steps + 1, D) and rewards (steps,) of one episode of actions drawn once for all."""
    env: Any = perturb(partial(make, id), words, id, np.array([1.0, 2.0]) if id == FORK else np.ones(5), drawn)()
    middle, rng = (env.action_space.high + env.action_space.low) / 2, np.random.default_rng(0)
    seen, rewards = [env.reset(seed=seed)[0]], []
    for _ in range(steps):
        observation, reward, *_ = env.step((middle * rng.uniform(0.6, 1.4, len(middle))).astype(np.float32))
        seen.append(np.copy(observation))
        rewards.append(float(reward))
    env.close()
    return np.array(seen), np.array(rewards)


def test_a_delayed_observation_is_that_of_some_steps_before() -> None:
    (seen, rewards), (late, same) = play(FORK), play(FORK, "delay=3")
    np.testing.assert_array_equal(late, np.concatenate([seen[[0, 0, 0]], seen[:-3]]))
    np.testing.assert_array_equal(same, rewards)


def test_beside_pictures_the_state_is_perturbed_and_both_come_late() -> None:
    maker = partial(make, PUSHT, cameras={"image": (32, 32)})
    plain, other = maker(), perturb(maker, ["noise=0.1", "delay=1"], PUSHT, np.ones(2), 0)()
    first, noisy = plain.reset(seed=3)[0], other.reset(seed=3)[0]
    assert not np.array_equal(noisy["state"], first["state"])
    np.testing.assert_array_equal(noisy["image"], first["image"])
    late = other.step(np.array([50, 50], np.float32))[0]
    np.testing.assert_array_equal(late["image"], first["image"])
    np.testing.assert_array_equal(late["state"], noisy["state"])
    np.testing.assert_array_equal(
        other.step(np.array([50, 50], np.float32))[0]["image"], plain.step(np.array([50, 50], np.float32))[0]["image"]
    )


def test_noise_is_a_share_of_each_entrys_range_and_changes_nothing_else() -> None:
    plain, noisy = (np.stack([play(FORK, *words, seed=seed)[0] for seed in range(40)]) for words in ((), ["noise=0.1"]))
    std = (noisy - plain).std((0, 1))
    np.testing.assert_allclose(std, [0.1, 0.2], rtol=0.12)
    np.testing.assert_allclose(play(FORK, "noise=0.1")[1], play(FORK)[1])


@pytest.mark.parametrize("words", [("noise=0.1",), ("goal=30", "friction=0.5"), ("noise=0.02", "delay=2")])
def test_an_episode_is_perturbed_by_its_start_alone(words: tuple[str, ...]) -> None:
    for found, again in zip(play(PUSHT, *words), play(PUSHT, *words), strict=True):
        np.testing.assert_array_equal(found, again)


def test_another_seed_draws_another_perturbation() -> None:
    assert not np.array_equal(play(PUSHT, "noise=0.1", drawn=1)[0], play(PUSHT, "noise=0.1")[0])
    assert draws(["delay=2", "goal=10"]) and not draws(["delay=2", "noise=0"])


def test_no_amount_changes_nothing() -> None:
    for word in ("noise=0", "delay=0", "friction=0", "goal=0"):
        for found, plain in zip(play(PUSHT, word), play(PUSHT), strict=True):
            np.testing.assert_array_equal(found, plain)


def test_a_moved_goal_moves_by_its_distance_to_another_side_each_time() -> None:
    goals = []
    for seed in range(4):
        env = perturb(partial(make, PUSHT), ["goal=30"], PUSHT, np.ones(5), 0)()
        for _ in range(2):  # Twice, so that the shifts do not add up.
            env.reset(seed=seed)
        goals.append(np.array(env.unwrapped.goal_pose))
        env.close()
    apart = np.array(goals) - [256, 256, np.pi / 4]
    np.testing.assert_allclose(np.linalg.norm(apart[:, :2], axis=1), 30)
    np.testing.assert_allclose(apart[:, 2], 0)
    assert len(np.unique(apart[:, 0].round(6))) == 4


def test_friction_turns_a_block_that_is_pushed_past() -> None:
    ends = []
    for words in ((), ("friction=0",), ("friction=1",)):
        env: Any = perturb(partial(make, PUSHT), words, PUSHT, np.ones(5), 0)()
        env.reset(seed=0, options={"reset_to_state": [100.0, 262.0, 256.0, 200.0, 0.3]})
        for x in range(120, 400, 20):
            seen, *_ = env.step(np.array([x, 262.0 - x / 40], np.float32))
        ends.append(seen[2:])
        env.close()
    np.testing.assert_array_equal(ends[0], ends[1])
    assert np.abs(ends[2] - ends[0]).max() > 1e-2


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (["wind=1"], FORK, "becalm/Fork-v0 has no perturbation 'wind': it has noise, delay"),
        (["friction=1"], FORK, "becalm/Fork-v0 has no perturbation 'friction': it has noise, delay"),
        (["nois=1"], PUSHT, "'nois': it has noise, delay, friction, goal; did you mean 'noise'"),
        (["noise=-1"], FORK, "a number of 0 or more, got 'noise=-1'"),
        (["noise=nan"], FORK, "a number of 0 or more, got 'noise=nan'"),
        (["delay"], FORK, "a whole number of 0 or more, got 'delay'"),
        (["delay=1.5"], FORK, "a whole number of 0 or more, got 'delay=1.5'"),
        (["noise=1", "noise=2"], FORK, "noise stands twice"),
    ],
)
def test_what_cannot_be_perturbed_is_one_sentence(words: list[str], environment: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(words, environment)


def test_an_evaluation_says_what_was_perturbed(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"checkpoint": str(made(tmp_path)), "episodes": 2, "limit": 5, "device": "cpu"}
    asked = EvaluateOptions.model_validate({**settings, "perturb": ["noise=0.1", "delay=1"]})
    table = next(each for each in run(asked) if isinstance(each, Table))
    assert table.title == f"{FORK}, protocol gym, perturbed: noise=0.1, delay=1, 2 episodes"
