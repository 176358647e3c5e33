"""A store of demonstrations holds what it was given, and nothing that does not fit together."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import written
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from becalm import UserError
from becalm_policies.demonstrations.episodes import Episodes

FIXTURE = Path(__file__).parents[2] / "fixtures" / "policies" / "pusht.npz"
NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def stores(draw: st.DrawFn) -> Episodes:
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    steps, sizes = sum(lengths), (draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    observations, actions = (draw(arrays(np.float64, (steps, size), elements=NUMBERS)) for size in sizes)
    rewards = draw(st.none() | arrays(np.float64, steps, elements=NUMBERS))
    spec = draw(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8), max_size=3))
    over = draw(st.none() | arrays(np.bool_, len(lengths)))
    last = draw(st.none() | arrays(np.float64, (len(lengths), sizes[0]), elements=NUMBERS))
    return Episodes(observations, actions, np.cumsum(lengths), rewards, draw(st.text(max_size=8)), spec, over, last)


def same(first: Episodes, second: Episodes) -> bool:
    fields = ("observations", "actions", "ends", "rewards", "terminated", "last")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in fields)


@settings(max_examples=25, deadline=None)
@given(stores())
def test_a_store_comes_back_from_its_file_to_the_bit(tmp_path_factory: pytest.TempPathFactory, store: Episodes) -> None:
    path = tmp_path_factory.mktemp("store") / "store.npz"
    store.write(path)
    found = Episodes.read(path)
    assert same(found, store)
    assert (found.environment, dict(found.spec)) == (store.environment, dict(store.spec))


@settings(max_examples=25, deadline=None)
@given(stores(), st.randoms(use_true_random=False))
def test_episodes_taken_in_any_order_are_the_same_episodes(store: Episodes, random: Any) -> None:
    order = list(range(len(store)))
    random.shuffle(order)
    taken = store.take(order)
    assert taken.lengths.tolist() == store.lengths[order].tolist()
    back = taken.take(np.argsort(order))
    assert same(back, store)
    if store.returns is not None:
        assert taken.returns == pytest.approx(store.returns[order])


@settings(max_examples=25, deadline=None)
@given(stores())
def test_a_store_cut_into_episodes_joins_to_itself(store: Episodes) -> None:
    assert same(Episodes.join([store.take([number]) for number in range(len(store))]), store)


def test_returns_are_sums_over_each_episode() -> None:
    rewards = np.array([1.0, 2.0, 4.0, 8.0])
    store = Episodes(np.zeros((4, 1)), np.zeros((4, 1)), np.array([1, 4]), rewards)
    assert store.returns is not None
    assert store.returns.tolist() == [1.0, 14.0]
    assert store.starts.tolist() == [0, 1]
    assert store.lengths.tolist() == [1, 3]


def _nan(shape: tuple[int, ...]) -> np.ndarray:
    values = np.zeros(shape)
    values[-1] = np.nan
    return values


ROWS, ENDS = np.zeros((4, 2)), np.array([2, 4])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((np.zeros(4), ROWS, ENDS), "observations must be a table"),
        ((ROWS, np.zeros((4, 0)), ENDS), "actions must be a table"),
        ((ROWS, np.zeros((3, 2)), ENDS), "one action per observation, got 3 and 4"),
        ((_nan((4, 2)), ROWS, ENDS), "observations must be finite, but step 3 is not"),
        ((ROWS, np.full((4, 2), np.inf), ENDS), "actions must be finite, but step 0 is not"),
        ((ROWS, ROWS, ENDS, np.zeros(3)), "one reward per observation"),
        ((ROWS, ROWS, ENDS, _nan((4,))), "rewards must be finite"),
        ((ROWS, ROWS, np.zeros(0, int)), "at least one episode"),
        ((ROWS, ROWS, np.array([2, 2, 4])), "must ascend"),
        ((ROWS, ROWS, np.array([2, 5])), "finish at the number of steps 4"),
        ((ROWS, ROWS, ENDS, None, "", {}, np.ones(4, bool)), "terminated must be a truth value for each of 2 episodes"),
        ((ROWS, ROWS, ENDS, None, "", {}, np.ones(2)), "got float64"),
        ((ROWS, ROWS, ENDS, None, "", {}, None, ROWS), "last must be an observation for each episode"),
        ((ROWS, ROWS, ENDS, None, "", {}, None, _nan((2, 2))), "last must be finite, but episode 1 is not"),
        ((ROWS, ROWS, ENDS, None, "", {"rate": "fast"}), "control rate must be a number of Hz, got 'fast'"),
        ((ROWS, ROWS, ENDS, None, "", {"rate": -1}), "control rate must be a number"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: tuple[np.ndarray, ...], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        Episodes(*fields)


def test_what_some_stores_do_not_know_is_not_known_of_all() -> None:
    whole = written.small()
    half = replace(whole, terminated=None, last=None)
    both = Episodes.join([whole, half])
    assert both.terminated is None and both.last is None and both.rewards is not None


def test_a_store_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "store.npz"
    written.small().write(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        Episodes(ROWS, ROWS, ENDS, spec={"source": object()}).write(path)
    assert path.read_bytes() == before
    with pytest.raises(UserError, match="cannot write"):
        written.small().write(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["store.npz"]


def test_a_store_is_a_plain_npz_that_numpy_reads_without_pickles() -> None:
    with np.load(FIXTURE, allow_pickle=False) as file:
        assert set(file.files) == {"observations", "actions", "ends", "meta"}
        assert json.loads(str(file["meta"]))["environment"] == "gym_pusht/PushT-v0"


@pytest.mark.parametrize("meta", ["[]", "3", "not json", '{"spec": 3}', '{"environment": null, "spec": null}'])
def test_meta_that_are_no_table_are_refused(tmp_path: Path, meta: str) -> None:
    np.savez(tmp_path / "store.npz", observations=ROWS, actions=ROWS, ends=ENDS, meta=np.array(meta))
    with pytest.raises(UserError, match="store.npz"):
        Episodes.read(tmp_path / "store.npz")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("actions", np.full((4, 2), "1"), "actions must hold numbers, got <U1"),
        ("observations", np.zeros((4, 2), complex), "observations must hold numbers, got complex128"),
        ("ends", np.array([2.0, 4.0]), "ends must hold whole numbers, got float64"),
        ("terminated", np.array([0, 1]), "terminated must hold truth values, got int64"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, name: str, values: np.ndarray, reason: str) -> None:
    np.savez(tmp_path / "store.npz", **{"observations": ROWS, "actions": ROWS, "ends": ENDS, name: values})
    with pytest.raises(UserError, match=reason):
        Episodes.read(tmp_path / "store.npz")
