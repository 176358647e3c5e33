"""``becalm policies record``: what it keeps, that it goes on as if never stopped, and what it refuses."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from becalm import UserError
from becalm.plugin.report import Progress, Table
from becalm_policies.demonstrations.demonstrators import demonstrator, names
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.environments.make import make
from becalm_policies.options import RecordOptions
from becalm_policies.verbs.record import run

FORK, LANDER, PENDULUM = "becalm/Fork-v0", "LunarLander-v3", "Pendulum-v1"


def _options(out: Path | str, **fields: Any) -> RecordOptions:
    given = {"env": FORK, "demonstrator": "expert", "episodes": 4, "out": str(out), **fields}
    return RecordOptions.model_validate(given)


def _record(out: Path, **fields: Any) -> Episodes:
    reports = list(run(_options(out, **fields)))
    assert isinstance(reports[-2], Table) and str(out) in str(reports[-1])
    return Episodes.read(out)


def _same(first: Episodes, second: Episodes) -> None:
    for name in ("observations", "actions", "ends", "rewards", "terminated", "last"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.environment == second.environment and first.spec == second.spec


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a module of demonstrators in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine_own", raising=False)
    (tmp_path / "mine_own.py").write_text(
        """
import numpy as np

number = 3

def still(observation):
    return observation

def with_rng(observation, rng):
    return observation + 0.01 * rng.standard_normal(2)

def with_env(observation, env):
    return env.action_space.high

class Counting:
    def __init__(self):
        self.calls = 0
    def __call__(self, observation, rng):
        self.calls += 1
        return [-1 + self.calls / 2, 1]

def bad(observation, rng):
    return [0.0, float("nan")]

def late(observation, rng):
    return [0.5, float("nan")] if observation[0] > -0.5 else [0.9, 0.9]

def infinite(observation):
    return [float("inf"), 0]

def three(observation):
    return [0, 0, 0]

def words(observation):
    return "left"

def fails(observation):
    raise KeyError("speed")

def nothing():
    return [0, 0]

def many(observation, rng, more):
    return [0, 0]
"""
    )
    return tmp_path


def test_a_recording_says_what_it_is(tmp_path: Path) -> None:
    episodes = _record(tmp_path / "fork.npz", seed=3)
    assert (len(episodes), episodes.environment) == (4, FORK)
    spec = episodes.spec
    assert spec["action_low"] == [-1, -1] and spec["action_high"] == [1, 1] and spec["observation"] == ["x", "y"]
    assert (spec["demonstrator"], spec["seed"], spec["tried"], spec["is_success"]) == ("expert", 3, 4, 1.0)
    assert episodes.returns is not None and (episodes.returns == 1).all()


@pytest.mark.parametrize(("id", "who"), [(FORK, "expert"), (LANDER, "heuristic"), (PENDULUM, "random")])
def test_recorded_actions_give_the_recorded_observations_and_rewards(tmp_path: Path, id: str, who: str) -> None:
    episodes = _record(tmp_path / "out.npz", env=id, demonstrator=who, episodes=2, seed=5)
    env = make(id)
    for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
        observation, _ = env.reset(seed=5 + number)
        for step in range(start, end):
            np.testing.assert_array_equal(np.float64(observation), episodes.observations[step])
            observation, reward, over, cut, _ = env.step(episodes.actions[step].astype(env.action_space.dtype))
            assert episodes.rewards is not None and reward == episodes.rewards[step]
        assert over or cut
        assert episodes.terminated is not None and episodes.last is not None
        assert episodes.terminated[number] == over
        np.testing.assert_array_equal(np.float64(observation), episodes.last[number])


@pytest.mark.parametrize(("id", "rate"), [(LANDER, 50), (PENDULUM, 20), ("gym_pusht/PushT-v0", 10)])
def test_the_control_rate_is_recorded(tmp_path: Path, id: str, rate: float) -> None:
    assert _record(tmp_path / "out.npz", env=id, demonstrator="random", episodes=1, limit=2).rate == rate


def test_an_episode_that_a_limit_cuts_off_is_not_terminated(tmp_path: Path) -> None:
    episodes = _record(tmp_path / "out.npz", env=PENDULUM, demonstrator="random", episodes=2, limit=3)
    assert episodes.terminated is not None and not episodes.terminated.any()


@pytest.mark.parametrize("stop", ["close", "interrupt"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_recording_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path, stop: str, after: int) -> None:
    fields = {"env": PENDULUM, "demonstrator": "random", "episodes": 5, "min_return": -500.0, "limit": 80}
    whole = _record(tmp_path / "whole.npz", **fields)
    assert whole.spec["tried"] > 5
    out = tmp_path / "part.npz"
    stopped = run(_options(out, **fields))
    for report in stopped:
        if isinstance(report, Progress) and report.done == after:
            break
    if stop == "close":
        stopped.close()
    else:
        assert "--resume goes on" in str(stopped.throw(KeyboardInterrupt()))  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            next(stopped)
    assert len(Episodes.read(out)) == after
    _same(_record(out, **fields, resume=True), whole)
    _same(_record(out, **fields, resume=True), whole)


def test_nothing_is_written_when_it_is_stopped_before_the_first_episode_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "none.npz"
    stopped = run(_options(out, env=PENDULUM, demonstrator="random", min_return=0.0, tries=5, limit=5))
    next(stopped)
    stopped.close()
    assert not out.exists()


def test_only_episodes_with_the_return_are_kept(tmp_path: Path) -> None:
    fields = {"env": PENDULUM, "demonstrator": "random", "limit": 100, "seed": 7}
    every = _record(tmp_path / "all.npz", **fields, episodes=12)
    assert every.returns is not None
    least = float(np.median(every.returns))
    some = _record(tmp_path / "some.npz", **fields, episodes=6, min_return=least)
    kept = np.flatnonzero(every.returns >= least)
    np.testing.assert_array_equal(some.observations, every.take(kept).observations)


def test_actions_beyond_the_bounds_are_recorded_as_they_are_done(own: Path) -> None:
    episodes = _record(own / "out.npz", demonstrator="mine_own:Counting", limit=10, episodes=2)
    np.testing.assert_array_equal(episodes.actions[:10, 0], [-0.5, 0, 0.5, 1, 1, 1, 1, 1, 1, 1])
    assert episodes.spec["clipped"] == 2 * 6


@pytest.mark.parametrize("name", ["still", "with_rng", "with_env", "Counting"])
def test_a_demonstrator_may_be_any_callable_of_ones_own(own: Path, name: str) -> None:
    episodes = _record(own / "out.npz", demonstrator=f"mine_own:{name}", limit=5)
    first = episodes.actions[episodes.starts]
    if name == "still":
        np.testing.assert_allclose(episodes.actions, episodes.observations, atol=1e-6)
    elif name == "with_rng":
        assert len(np.unique(first[:, 0] - episodes.observations[episodes.starts, 0])) == 4
    elif name == "with_env":
        np.testing.assert_array_equal(episodes.actions, 1)
    else:  # Made anew for each episode.
        np.testing.assert_allclose(first, [[-0.5, 1]] * 4, atol=1e-6)


def test_built_in_demonstrators_are_listed() -> None:
    assert names(LANDER) == ["heuristic", "random"]
    assert names("Pendulum-v1") == ["random"]


@pytest.mark.slow
def test_the_heuristic_lands() -> None:
    from becalm_policies.demonstrations.play import play

    env = make(LANDER)
    cast = demonstrator(env, "heuristic")
    returns = [play(env, cast(number), number=number, limit=1000).rewards.sum() for number in range(50)]
    assert np.mean(returns) > 270


@pytest.mark.slow
def test_of_the_walkers_episodes_only_the_successes_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "walker.npz"
    episodes = _record(out, env="BipedalWalker-v3", demonstrator="heuristic", min_return=250.0, episodes=3)
    assert episodes.returns is not None and (episodes.returns >= 250).all()
    assert episodes.spec["tried"] > 3


def test_a_recording_may_be_a_dataset_of_minari(tmp_path: Path) -> None:
    from becalm_policies.formats import read

    out = tmp_path / "fork-expert-v0"
    list(run(_options(out)))
    whole = _record(tmp_path / "fork.npz")
    found = read(out)
    np.testing.assert_array_equal(found.observations, whole.observations)
    np.testing.assert_array_equal(found.actions, whole.actions)
    assert found.last is not None and found.terminated is not None and found.terminated.all()
    assert found.environment == FORK and found.rate == whole.rate


WRONG: dict[str, dict[str, Any]] = {
    "NaN": {"demonstrator": "mine_own:bad"},
    "NaN later": {"demonstrator": "mine_own:late"},
    "infinity": {"demonstrator": "mine_own:infinite"},
    "shape": {"demonstrator": "mine_own:three"},
    "no numbers": {"demonstrator": "mine_own:words"},
    "failing": {"demonstrator": "mine_own:fails"},
    "takes nothing": {"demonstrator": "mine_own:nothing"},
    "takes too much": {"demonstrator": "mine_own:many"},
    "no function": {"demonstrator": "mine_own:number"},
    "no such function": {"demonstrator": "mine_own:missing"},
    "no module": {"demonstrator": "mine_other:still"},
    "empty module": {"demonstrator": ":still"},
    "empty function": {"demonstrator": "mine_own:"},
    "module that fails": {"demonstrator": "mine_broken:still"},
    "unknown demonstrator": {"demonstrator": "exprt"},
    "another's demonstrator": {"demonstrator": "heuristic"},
    "discrete": {"env": "CartPole-v1", "demonstrator": "random"},
    "unknown environment": {"env": "Fork-v0"},
    "missing module of an environment": {"env": "mine_other:Fork-v0"},
    "never good enough": {"min_return": 2.0, "tries": 3},
    "suffix": {"out": "out.csv"},
    "resume of nothing": {"resume": True},
    "resume of another format": {"out": "out.hdf5", "resume": True},
}


@pytest.mark.parametrize("kind", WRONG)
def test_bad_input_is_one_sentence_and_writes_nothing(own: Path, kind: str) -> None:
    (own / "mine_broken.py").write_text("raise RuntimeError('not today')")
    before = set(own.iterdir())
    with pytest.raises(UserError, match=r"^[^\n]{20,}$"):
        list(run(_options(**{"out": "out.npz", **WRONG[kind]})))
    assert set(own.iterdir()) - before <= {own / "__pycache__"}


def test_a_recording_is_not_overwritten_nor_mixed_with_another(tmp_path: Path) -> None:
    out = tmp_path / "fork.npz"
    _record(out)
    before = out.read_bytes()
    for fields in ({}, {"resume": True, "seed": 1}, {"resume": True, "demonstrator": "random"}):
        with pytest.raises(UserError, match="exists|was recorded with"):
            _record(out, **fields)
    assert out.read_bytes() == before
    assert len(_record(out, resume=True, episodes=6)) == 6
