"""Windows hold what the paper says, edges included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.windows import Windows


def counting(lengths: list[int]) -> Episodes:
    """Episodes whose observation and action at a step are that step's number, episode by hundreds."""
    values = np.concatenate([100.0 * episode + np.arange(length) for episode, length in enumerate(lengths)])
    return Episodes(values[:, None], values[:, None], np.cumsum(lengths), None, "", {})


def test_a_window_in_the_middle_begins_with_the_oldest_observation() -> None:
    episodes = counting([30])
    windows = Windows.of(episodes, history=2, horizon=4, tail=0)
    assert windows.observations(episodes)[5, :, 0].tolist() == [4, 5]
    assert windows.actions(episodes)[5, :, 0].tolist() == [4, 5, 6, 7]


def test_edges_repeat_the_first_observation_and_the_last_action() -> None:
    episodes = counting([6])
    windows = Windows.of(episodes, history=3, horizon=6, tail=2)
    assert windows.observations(episodes)[0, :, 0].tolist() == [0, 0, 0]
    assert windows.actions(episodes)[0, :, 0].tolist() == [0, 0, 0, 1, 2, 3]
    assert windows.actions(episodes)[-1, :, 0].tolist() == [2, 3, 4, 5, 5, 5]


@given(
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=5),
    history=st.integers(1, 4),
    more=st.integers(0, 9),
    tail=st.integers(0, 12),
)
def test_windows_never_cross_episodes_and_repeat_at_most_tail(
    lengths: list[int], history: int, more: int, tail: int
) -> None:
    episodes, horizon = counting(lengths), history + more
    try:
        windows = Windows.of(episodes, history=history, horizon=horizon, tail=tail)
    except UserError:
        assert max(lengths) - 1 + tail - more < 0
        return
    seen, done = windows.observations(episodes)[..., 0], windows.actions(episodes)[..., 0]
    assert ((seen // 100).max(1) == (done // 100).min(1)).all()
    assert ((seen // 100).min(1) == (done // 100).max(1)).all()
    now = windows.seen[:, -1]
    wanted = now[:, None] + np.arange(1 - history, 1 - history + horizon)
    end = episodes.ends[(done[:, 0] // 100).astype(int)]
    assert ((wanted >= end[:, None]).sum(1) <= tail).all()
    assert len(windows) == sum(max(0, min(length, length + tail - more)) for length in lengths)


def test_too_short_episodes_are_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match="longest episode has 5 steps"):
        Windows.of(counting([5, 3]), history=2, horizon=16, tail=0)
