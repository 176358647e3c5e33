"""What is drawn of a state is what the environment shows in it."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from becalm import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.prepare import prepare
from becalm_policies.environments.make import make
from becalm_policies.environments.pictures import Pictures
from becalm_policies.environments.pusht import draw, start_state

FIXTURE = Path(__file__).parents[2] / "fixtures" / "policies" / "pusht.npz"
CAMERAS = {"image": (96, 96)}


def test_a_drawn_state_is_to_the_pixel_what_the_environment_shows_in_it() -> None:
    env, canvas = make("gym_pusht/PushT-v0", cameras=CAMERAS), make("gym_pusht/PushT-v0", cameras=CAMERAS)
    seen, _ = env.reset(seed=0, options={"reset_to_state": start_state(3)})
    rng = np.random.default_rng(0)
    bare = env.unwrapped
    for step in range(20):
        # Towards the block and through it: contacts are marked.
        seen, *_ = env.step(np.asarray(bare.block.position) + rng.normal(0, 20, 2))
        state = [*bare.agent.position, *bare.block.position, bare.block.angle % (2 * np.pi)]
        assert np.array_equal(draw(canvas, np.array(state)), seen["image"]), step
    assert np.array_equal(seen["state"], state[:2])


def test_an_environment_that_only_draws_is_looked_at_by_what_it_draws() -> None:
    env = make("becalm/Fork-v0", cameras={"top": (24, 32)})
    seen, _ = env.reset(seed=0)
    assert seen["top"].shape == (24, 32, 3) and seen["top"].dtype == np.uint8 and seen["state"].shape == (2,)
    assert env.observation_space.contains(seen)
    moved, *_ = env.step(np.array([0.0, 0.9], np.float32))
    assert not np.array_equal(moved["top"], seen["top"])


def test_demonstrations_are_drawn_where_they_were_moved_to(becalm: Any, tmp_path: Path) -> None:
    two = Episodes.read(FIXTURE).take([0, 1])
    steps = np.concatenate([two.ends[0] + np.arange(-4, 0), two.ends[1] + np.arange(-2, 0)])
    short = Episodes(two.observations[steps], two.actions[steps], np.array([4, 6]), None, two.environment, two.spec)
    short.write(tmp_path / "short.npz")
    out = tmp_path / "pixels.npz"
    code, said, _ = becalm("render", tmp_path / "short.npz", "--prepare", "pusht_align,pusht_mirror", "--out", out)
    assert code == 0 and "4 episodes, 12 pictures of 96 x 96" in said
    found, moved = Episodes.read(out), prepare(short, ("pusht_align", "pusht_mirror")).take([0, 2, 1, 3])
    assert np.array_equal(found.observations, moved.observations)
    env = make("gym_pusht/PushT-v0", cameras=CAMERAS)
    assert np.array_equal(found.cameras["image"][np.array([5])][0], draw(env, moved.observations[5]))


def test_what_cannot_be_drawn_is_refused(becalm: Any, demonstrations: Path, tmp_path: Path) -> None:
    lander = Episodes(np.zeros((3, 8)), np.zeros((3, 2)), np.array([3]), None, "LunarLander-v3")
    lander.write(tmp_path / "lander.npz")
    code, _, said = becalm("render", tmp_path / "lander.npz", "--out", tmp_path / "out.npz")
    assert code == 2 and "must be demonstrations of gym_pusht/PushT-v0" in said
    code, _, said = becalm("render", demonstrations, "--prepare", "mirror", "--out", tmp_path / "out.npz")
    assert code == 2 and "unknown preparation 'mirror'" in said


def test_an_environment_must_observe_numbers_too() -> None:
    class Only(gymnasium.Env[Any, Any]):  # type: ignore[misc]
        observation_space = gymnasium.spaces.Box(0, 255, (8, 8, 3), np.uint8)
        action_space = gymnasium.spaces.Box(-1, 1, (1,))

    with pytest.raises(UserError, match="must hold vectors of numbers"):
        Pictures(Only(), "observations", None, {"image": (8, 8)})
