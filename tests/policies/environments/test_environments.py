"""The environments: ours hold what they promise, and what is no environment for a policy is one sentence."""

import math
import sys
from collections.abc import Iterator

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm import UserError
from becalm_policies.demonstrations.demonstrators import demonstrator
from becalm_policies.demonstrations.play import Attempt, play
from becalm_policies.environments import anchors, claw, fork, measured, shapes
from becalm_policies.environments.make import make
from becalm_policies.environments.register import CLAW, FORK, register

OURS = (FORK, CLAW)
WITH_DEMONSTRATOR = {FORK: "expert", CLAW: "expert", "LunarLander-v3": "heuristic", "gym_pusht/PushT-v0": "random"}
positions = st.tuples(st.integers(-500, 500), st.integers(-500, 500)).map(lambda pair: np.array(pair) / 500)


def _played(id: str, numbers: range, limit: int = 100) -> list[Attempt]:
    env = make(id)
    cast = demonstrator(env, WITH_DEMONSTRATOR[id])
    return [play(env, cast(number), number=number, limit=limit) for number in numbers]


@pytest.mark.parametrize("id", OURS)
def test_ours_pass_the_checker_of_gymnasium(id: str) -> None:
    check_env(make(id, render=True).unwrapped)


@pytest.mark.parametrize("id", OURS)
def test_ours_draw_themselves(id: str) -> None:
    env = make(id, render=True)
    env.reset(seed=0)
    before = env.render()
    env.step(np.array([0.5, 0.5], dtype=np.float32))
    assert before.shape == (400, 400, 3) and before.dtype == np.uint8
    assert (env.render() != before).any()


def test_registering_again_does_no_harm() -> None:
    register()
    before = gymnasium.registry[FORK]
    register()
    assert gymnasium.registry[FORK] is before


@pytest.mark.parametrize("id", WITH_DEMONSTRATOR)
def test_a_seed_gives_the_same_episode_to_the_bit_whatever_was_played_before(id: str) -> None:
    first = _played(id, range(3, 4))[0]
    again = _played(id, range(5))[3]
    for name in ("observations", "actions", "rewards"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.success == again.success


# The fork.


@pytest.fixture(scope="module")
def ways() -> list[Attempt]:
    return _played(FORK, range(40))


def _drive(actions: npt.NDArray[np.float64]) -> dict[str, object]:
    env = make(FORK)
    env.reset(seed=0)
    for action in actions:
        _, _, over, _, info = env.step(action.astype(np.float32))
        if over:
            break
    return dict(info)


def test_demonstrations_of_the_fork_reach_the_goal_by_both_ways_in_equal_shares(ways: list[Attempt]) -> None:
    assert all(way.success for way in ways)
    sides = [np.sign(way.observations[len(way.actions) // 2, 1]) for way in ways]
    assert sides.count(1) == sides.count(-1) == 20
    for way in ways:
        assert (np.sign(way.observations[2:, 1]) == np.sign(way.observations[2, 1])).all()


def test_the_mean_of_the_two_ways_is_a_crash(ways: list[Attempt]) -> None:
    steps = min(len(way.actions) for way in ways)
    actions = np.stack([way.actions[:steps] for way in ways])
    assert _drive(actions.mean(0))["crash"]
    for over, under in zip(actions[::2], actions[1::2], strict=True):
        assert _drive((over + under) / 2)["crash"]
        assert _drive(over) | {"is_success": True} == {"crash": False, "way": "over", "is_success": True}
        assert _drive(under)["way"] == "under"


def _powers(position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """All products of x and y up to the third degree, (N, 10)."""
    x, y = position[:, 0], position[:, 1]
    return np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)


def test_least_squares_on_chunks_of_eight_actions_crashes(ways: list[Attempt]) -> None:
    seen = np.concatenate([way.observations[:-8] for way in ways])
    chunks = [way.actions[n : n + 8].reshape(-1) for way in ways for n in range(len(way.actions) - 8)]
    weights = np.linalg.lstsq(_powers(seen), np.stack(chunks), rcond=None)[0]
    env = make(FORK)
    for seed in range(20):
        position, _ = env.reset(seed=seed)
        over = False
        for number in range(100):
            if number % 8 == 0:
                chunk = (_powers(position[None]) @ weights).reshape(8, 2)
            position, _, over, _, info = env.step(chunk[number % 8].astype(np.float32))
            if over:
                break
        assert over and info["crash"]


@given(positions, positions)
@settings(max_examples=50, deadline=None)
def test_a_step_is_never_too_long_and_never_leaves_the_plane(position: np.ndarray, target: np.ndarray) -> None:
    after = fork.move(position, 3 * target)
    assert math.dist(after, position) <= fork.SPEED + 1e-12
    assert (np.abs(after) <= 1).all()
    if math.dist(position, target) <= fork.SPEED:
        np.testing.assert_allclose(fork.move(position, target), target, atol=1e-12)


@given(positions, positions)
@settings(max_examples=50, deadline=None)
def test_the_fork_is_the_same_upside_down(position: np.ndarray, target: np.ndarray) -> None:
    mirror = np.array([1.0, -1.0])
    np.testing.assert_array_equal(fork.move(position * mirror, target * mirror), fork.move(position, target) * mirror)
    assert fork.hits(position * mirror, target * mirror) == fork.hits(position, target)


@given(positions, positions)
@settings(max_examples=50, deadline=None)
def test_a_crash_is_a_touch_anywhere_on_the_way(before: np.ndarray, after: np.ndarray) -> None:
    obstacle = shapely.Point(fork.OBSTACLE)
    reach = fork.OBSTACLE_RADIUS + fork.AGENT_RADIUS
    away = obstacle.distance(shapely.LineString([before, after]))
    if abs(away - reach) > 1e-9:
        assert fork.hits(before, after) == (away < reach)


# The claw.


@pytest.mark.parametrize("name", shapes.NAMES)
def test_inside_is_what_shapely_says(name: str) -> None:
    outer, *holes = shapes.outlines(name)
    polygon = shapely.Polygon(outer, holes)
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (2000, 2))
    assert polygon.is_valid
    np.testing.assert_array_equal(shapes.inside(points, name), shapely.contains_xy(polygon, points))
    away = shapely.distance(polygon.boundary, shapely.points(points))
    np.testing.assert_allclose(shapes.distance(points, name), away, atol=1e-12)
    assert np.linalg.norm(np.concatenate([outer, *holes]), axis=1).max() <= 1 + 1e-9


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_objects_of_a_scene_lie_apart_and_in_the_plane(seed: int) -> None:
    spots = np.array(list(claw.objects(claw.scene(np.random.default_rng(seed))).values()))
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=-1)[np.triu_indices(5, 1)]
    assert apart.min() > 2 * claw.SIZE
    assert np.abs(spots).max() + claw.SIZE <= 1


def test_demonstrators_points_lie_well_on_objects_picked_by_their_masses() -> None:
    env = make(CLAW)
    cast = demonstrator(env, "expert")
    played = [play(env, cast(number), number=number, limit=1) for number in range(600)]
    seen, done = (np.concatenate([getattr(each, name) for each in played]) for name in ("observations", "actions"))
    caught = claw.inside(done, seen)
    assert (caught >= 0).all()
    assert all(each.success for each in played)
    assert sum(claw.MASSES) == pytest.approx(1)
    np.testing.assert_allclose(np.bincount(caught, minlength=5) / len(caught), claw.MASSES, atol=0.005)
    for number, name in enumerate(claw.NAMES):
        mine = caught == number
        own = (done[mine] - seen[mine, 2 * number : 2 * number + 2]) / claw.SIZE
        assert (claw.SIZE * shapes.distance(own, name)).min() > claw.MARGIN - 1e-6
        if name == "ring":
            assert not shapes.inside(own.mean(0), name)
    assert len(np.unique(seen, axis=0)) == claw.SCENES


def test_the_mean_of_the_claws_demonstrations_lies_off_most_objects() -> None:
    rng = np.random.default_rng(0)
    scenes = np.stack([claw.numbered(number) for number in range(claw.SCENES)])
    means = [
        np.mean([claw.pick(claw.by_mass(share), scene, rng) for share in np.linspace(0, 0.999, 50)], axis=0)
        for scene in scenes
    ]
    assert (claw.inside(np.array(means), scenes) < 0).mean() > 0.5


def test_inside_broadcasts_and_names_the_object_that_the_game_names() -> None:
    env = make(CLAW)
    actions = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32).astype(np.float64)
    scene, _ = env.reset(seed=1)
    found = claw.inside(actions, scene)
    assert found.shape == (200,)
    np.testing.assert_array_equal(found, claw.inside(actions, np.tile(scene, (200, 1))))
    for action, number in zip(actions[:20], found, strict=False):
        env.reset(seed=1)
        _, reward, over, _, info = env.step(action)
        assert over and reward == (number >= 0)
        assert info["object"] == (claw.NAMES[number] if number >= 0 else "none")


# Others.


class _Matrix(gymnasium.Env[npt.NDArray[np.float64], npt.NDArray[np.float64]]):
    """Observations 2 x 3, actions 2 x 2."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2, 3), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (2, 2), np.float64)

    def reset(self, **_: object) -> tuple[npt.NDArray[np.float64], dict[str, object]]:
        return np.arange(6).reshape(2, 3) / 6, {}

    def step(self, action: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float, bool, bool, dict]:
        return np.zeros((2, 3)), float(action[1, 0]), False, False, {}


@pytest.fixture
def matrix() -> Iterator[str]:
    gymnasium.register("Matrix-v0", entry_point=_Matrix)
    yield "Matrix-v0"
    del gymnasium.registry["Matrix-v0"]


def test_boxes_of_more_dimensions_come_flat(matrix: str) -> None:
    env = make(matrix)
    observation, _ = env.reset()
    assert observation.shape == env.observation_space.shape == (6,)
    assert env.action_space.shape == (4,)
    assert env.step(np.array([1.0, 2.0, 3.0, 4.0]))[1] == 3.0


def test_lunar_lander_comes_with_continuous_actions_and_pusht_with_its_state() -> None:
    assert make("LunarLander-v3").action_space.shape == (2,)
    assert make("gym_pusht/PushT-v0").observation_space.shape == (5,)


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("CartPole-v1", "Box of floats, got Discrete.*wrap it to take a score for each choice and do the largest"),
        ("FrozenLake-v1", "Box of floats, got Discrete"),
        ("LunarLandr-v3", "did you mean 'LunarLander-v3'"),
        ("PushT-v0", "did you mean 'gym_pusht/PushT-v0'"),
        ("becalm/Frok-v0", "did you mean 'becalm/Fork-v0'"),
        ("LunarLander-v2", "LunarLander-v3"),
        ("nowhere/Nothing-v0", "unknown environment"),
        ("os:Fork-v0", "would import a module"),
        ("", "unknown environment|cannot be made"),
        ("two words", "unknown environment|cannot be made"),
    ],
)
def test_what_is_no_environment_for_a_policy_is_one_sentence(id: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        make(id)
    assert "\n" not in str(raised.value)


def test_a_missing_package_is_one_sentence_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gym_pusht", None)
    with pytest.raises(UserError, match=r"^[^\n]*gym_pusht[^\n]*pip install 'becalm\[policies\]'$"):
        make("gym_pusht/PushT-v0")


def test_anchors_are_figures_with_how_they_were_measured() -> None:
    for id in WITH_DEMONSTRATOR:
        assert all(anchor.how for anchor in measured(id))
        assert len(anchors(id)) >= 2 and all(math.isfinite(value) for value in anchors(id).values())
    assert anchors("Pendulum-v1") == {}


@pytest.mark.parametrize("name", ["position", "place"])
def test_the_agent_starts_where_the_options_say(name: str) -> None:
    env = make("becalm/Fork-v0")
    assert env.reset(seed=0, options={name: (0.5, -0.25)})[0].tolist() == [0.5, -0.25]
