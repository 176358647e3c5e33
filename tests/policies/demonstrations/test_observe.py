"""Features say what they should, and Push-T's symmetries are symmetries."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pushing import pushing

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.observe import PushT, Raw, SinCos, keypoints
from becalm_policies.demonstrations.prepare import align, mirror, prepare
from becalm_policies.environments.pusht import GOAL


def test_keypoints_turn_and_move_with_the_block() -> None:
    still = keypoints(np.zeros(2), 0.0).reshape(9, 2)
    turned = keypoints(np.array([3.0, 4.0]), math.pi / 2).reshape(9, 2)
    assert turned == pytest.approx(np.stack([-still[:, 1] + 3, still[:, 0] + 4], axis=1))


@pytest.mark.parametrize("observe", [Raw(), SinCos(angles=(4,)), PushT(), PushT(frame=False, goal=()), PushT(waves=())])
def test_features_have_the_promised_size_and_do_not_jump_at_a_full_turn(observe: Raw | SinCos | PushT) -> None:
    states = pushing().observations[:7]
    features = observe(states)
    assert features.shape == (7, observe.size(5))
    if not isinstance(observe, Raw):
        assert observe(states + np.array([0, 0, 0, 0, 2 * math.pi])) == pytest.approx(features)
    assert observe(states.reshape(7, 1, 5))[:, 0] == pytest.approx(features)


def test_at_the_goal_the_goal_features_are_zero() -> None:
    state = np.array([100.0, 100.0, *GOAL])
    assert PushT(frame=False)(state)[20:] == pytest.approx(np.zeros(36))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="5 entries"):
        PushT()(np.zeros(4))
    with pytest.raises(UserError, match="0 to 2, got 3"):
        SinCos(angles=(3,)).size(3)
    with pytest.raises(UserError, match="pusht_mirror is for Push-T"):
        episodes = pushing()
        prepare(type(episodes)(episodes.actions, episodes.actions, episodes.ends), ["pusht_mirror"])


def test_clipped_actions_are_those_within_bounds_that_are_nearest() -> None:
    episodes = pushing()
    wild = replace(episodes, actions=9 * episodes.actions - 2000)
    found = prepare(wild, ["clip"]).actions
    assert np.array_equal(found, np.minimum(np.maximum(wild.actions, 0), 512)) and (found != wild.actions).any()
    with pytest.raises(UserError, match="clip needs bounds of the actions"):
        prepare(replace(wild, spec={}), ["clip"])


def test_the_mirror_is_its_own_inverse_and_keeps_the_goal() -> None:
    episodes = pushing()
    both = mirror(mirror(episodes))
    count = len(episodes.actions)
    again = both.observations[3 * count :]
    assert again[:, :4] == pytest.approx(episodes.observations[:, :4])
    assert np.cos(again[:, 4]) == pytest.approx(np.cos(episodes.observations[:, 4]))
    goal = np.array([[0.0, 0.0, *GOAL]])
    still = type(episodes)(goal, np.zeros((1, 2)), np.array([1]))
    assert mirror(still).observations[1, 2:] == pytest.approx(GOAL)


ELSEWHERE = (200.0, 340.0, 2.0)


def test_demonstrations_of_another_goal_are_refused_unless_it_is_told() -> None:
    there = align(pushing(), ELSEWHERE)
    for name in ("pusht_align", "pusht_mirror"):
        with pytest.raises(UserError, match=r"goal \(256, 256, 0.7854\), but 3 of 3 do not, number 0 101 px"):
            prepare(there, [name])  # type: ignore[list-item]
    assert prepare(there, ["pusht_align"], ELSEWHERE).observations == pytest.approx(there.observations)
    turned = align(pushing(), (GOAL[0], GOAL[1], GOAL[2] + math.pi / 2))
    with pytest.raises(UserError, match=r"0 px and 1\.6 rad"):
        prepare(turned, ["pusht_align"])


def test_only_a_goal_on_the_diagonal_is_mirrored() -> None:
    for goal in ((200.0, 312.0, math.pi / 4), (300.0, 212.0, 5 * math.pi / 4)):
        both = prepare(align(pushing(), goal), ["pusht_mirror"], goal)
        assert both.observations[both.ends - 1, 2:4] == pytest.approx(np.tile(goal[:2], (6, 1)))
    for goal in (ELSEWHERE, (256.0, 256.0, 1.0), (256.0, 250.0, math.pi / 4)):
        with pytest.raises(UserError, match="its own mirror image"):
            prepare(align(pushing(), goal), ["pusht_mirror"], goal)


def test_goal_features_are_of_the_goal_that_is_told() -> None:
    state = np.array([100.0, 100.0, *ELSEWHERE])
    assert PushT(frame=False)(state, ELSEWHERE)[20:] == pytest.approx(np.zeros(36))
    assert np.abs(PushT(frame=False)(state)[20:]).min() > 0.1


@pytest.mark.parametrize("change", [align, mirror])
def test_the_last_observation_moves_with_its_episode(change: Callable[[Episodes], Episodes]) -> None:
    longer = pushing(count=1)
    steps = len(longer.actions) - 1
    seen, done = longer.observations, longer.actions[:steps]
    shorter = replace(longer, observations=seen[:steps], actions=done, ends=np.array([steps]), last=seen[steps:])
    last = change(shorter).last
    assert last is not None
    expected = change(longer)
    assert last == pytest.approx(expected.observations[expected.ends - 1])


@given(seed=st.integers(0, 50))
def test_alignment_ends_at_the_goal_and_keeps_all_distances(seed: int) -> None:
    episodes = pushing(seed=seed)
    moved = align(episodes)
    last = moved.observations[moved.ends - 1]
    assert last[:, 2:] == pytest.approx(np.tile(GOAL, (len(episodes), 1)))

    def distances(some: object) -> np.ndarray:
        return np.linalg.norm(some.observations[:, :2] - some.observations[:, 2:4], axis=1)  # type: ignore[attr-defined]

    assert distances(moved) == pytest.approx(distances(episodes))
    frame = PushT(waves=(), goal=())
    assert frame(moved.observations)[:, 20:] == pytest.approx(frame(episodes.observations)[:, 20:])
