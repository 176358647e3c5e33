"""Each doubt about demonstrations is said of those that give rise to it, and of no others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pushing import pushing

from becalm_policies.demonstrations.doubts import doubts, elsewhere, too_short
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.spread import spread
from becalm_policies.demonstrations.windows import Windows


def shown(entry: np.ndarray, count: int = 2000) -> Episodes:
    """Sound demonstrations, but for the observed entry 1."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(count, 3))
    seen[:, 1] = entry
    return Episodes(seen, rng.normal(size=(count, 2)), np.array([count // 2, count]))


NOISE = np.random.default_rng(1).normal(size=2000)
RARE = np.where(np.arange(2000) % 700 == 3, 1.0, 0.0)


def _with(values: np.ndarray, step: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[step] = value
    return changed


@pytest.mark.parametrize(
    "entry",
    [NOISE, 1e-3 * NOISE, 1e9 + 1e6 * NOISE, NOISE**3, RARE, np.exp(NOISE), np.round(NOISE), _with(NOISE, 7, 9)],
)
def test_sound_entries_raise_no_doubt(entry: np.ndarray) -> None:
    assert doubts(shown(entry)) == []


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (np.full(2000, 7.5), "observation 1 never changes"),
        (1e-9 * NOISE, "observation 1 only jitters, by 7.3e-09"),
        (np.float64(np.float32(500 + 1e-5 * NOISE)), "observation 1 only jitters"),
        (-1e6 + 1e-2 * NOISE, "observation 1 only jitters"),
        (_with(NOISE, 777, 1e12), "observation 1 is 1e+12 at step 777, but nearly always within -"),
        (_with(NOISE, 777, -200.0), "observation 1 is -200 at step 777"),
        (_with(_with(NOISE, 5, 900.0), 6, 800.0), "observation 1 is 900 at step 5"),
        (_with(np.full(2000, 3.0), 1999, 1e12), "observation 1 is 1e+12 at step 1999"),
    ],
)
def test_an_entry_that_cannot_be_scaled_by_its_range_is_named(entry: np.ndarray, sentence: str) -> None:
    found = doubts(shown(entry))
    assert len(found) == 1 and found[0].startswith(sentence)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 39))
def test_one_outlier_is_found_among_few_values_too(count: int, step: int) -> None:
    values = np.linspace(-1, 1, max(count, 4))
    values[step % len(values)] = 1e6
    found = spread(values[:, None])
    assert found.outlying[0] and found.farthest[0] == 1e6 and found.step[0] == step % len(values)


def test_one_step_alone_has_no_spread() -> None:
    found = spread(np.array([[3.0]]))
    assert found.still[0] and not found.outlying[0]


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    history=st.integers(1, 3),
    more=st.integers(0, 12),
    tail=st.integers(0, 9),
)
def test_episodes_without_a_window_are_counted_and_the_tail_named_takes_them(
    lengths: list[int], history: int, more: int, tail: int
) -> None:
    steps = np.zeros((sum(lengths), 1))
    episodes = Episodes(steps, steps, np.cumsum(lengths))
    shape = {"history": history, "horizon": history + more}

    def learnt(tail: int) -> int:
        return len(set(Windows.of(episodes, tail=tail, **shape).episode.tolist()))

    found = too_short(episodes, tail=tail, **shape)
    if not found:
        assert learnt(tail) == len(lengths)
        return
    needed = int(found[0].split("--tail ")[1].split()[0])
    left_out = int(found[0].split()[0])
    assert learnt(needed) == len(lengths)
    if left_out < len(lengths):
        assert learnt(tail) == len(lengths) - left_out
        assert learnt(needed - 1) < len(lengths)


def test_push_t_that_ends_elsewhere_is_doubted_where_features_look_at_the_goal() -> None:
    episodes = pushing()
    assert elsewhere(episodes, (256.0, 256.0, np.pi / 4)) == []
    assert elsewhere(episodes, (100.0, 256.0, np.pi / 4))[0].startswith("3 of 3 episodes not ending at the goal")
    assert doubts(replace(episodes, spec={})) == []
