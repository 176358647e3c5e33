"""Observations of several parts become one vector by the rule by which files of them are read."""

from pathlib import Path
from typing import Any

import gymnasium
import h5py
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm.gate.limit import Budget
from becalm_policies.environments.flat import Flat, parts
from becalm_policies.formats import hdf5
from becalm_policies.formats.tables import USUAL, observed, side_by_side

_KEYS = st.sampled_from(["goal", "a", "x2", "x10", "x", "B", "_index_1", "é"])
_BOXES = st.tuples(st.lists(st.integers(1, 2), max_size=2), st.sampled_from([np.float32, np.uint8, np.int64]))
_LEAVES = _BOXES.map(lambda made: spaces.Box(0, 100, tuple(made[0]), made[1])) | st.just(
    spaces.Box(0, 255, (2, 2, 3), np.uint8)
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(_KEYS, inner, min_size=1, max_size=3).map(spaces.Dict) | st.lists(
        inner, min_size=1, max_size=3
    ).map(spaces.Tuple)


class Seen(gymnasium.Env):  # type: ignore[misc]
    """An environment that is nothing but its observations."""

    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.observation_space = space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, False, False, {}


def store(group: h5py.Group, key: str, value: Any) -> None:
    """As Minari lays out one step."""
    if isinstance(value, dict | tuple):
        inner = group.create_group(key)
        parts = value.items() if isinstance(value, dict) else ((f"_index_{n}", part) for n, part in enumerate(value))
        for name, part in parts:
            store(inner, name, part)
    else:
        group[key] = np.asarray(value)[None]


@given(_nested(st.recursive(_LEAVES, _nested, max_leaves=4)))
@settings(max_examples=40, deadline=None)
def test_an_environment_and_a_file_give_the_same_vector(space: spaces.Space[Any]) -> None:
    seen = space.sample()
    with h5py.File("made", "w", driver="core", backing_store=False) as file:
        store(file, "observations", seen)
        try:
            tables = hdf5.tables(Budget(Path("made")), "", file)
            there = side_by_side(
                tables, observed(tables, "observations", USUAL)[0], root="observations/", bare="observation"
            )
        except UserError:
            with pytest.raises(UserError, match="must hold vectors of numbers"):
                parts(space, "observations")
            return
    env = Flat(Seen(space), "observations")
    assert np.array_equal(env.observation(seen), there.values[0]) and env.names == there.names
    assert env.observation_space.contains(env.observation(seen))


def test_keys_choose_parts_and_whole_branches() -> None:
    inner = spaces.Dict(b=spaces.Box(0, 1, (2,)), a=spaces.Box(0, 1, (1,)))
    space = spaces.Dict(z=inner, c=spaces.Box(0, 1, (3,)))
    assert [name for name, *_ in parts(space, "it")] == ["c", "z/a", "z/b"]
    assert [name for name, *_ in parts(space, "it", ["z"])] == ["z/a", "z/b"]
    assert [name for name, *_ in parts(space, "it", ["z/b", "c"])] == ["z/b", "c"]
    with pytest.raises(UserError, match="unknown key of it 'z/bb': known are c, z/a, z/b; did you mean 'z/b'"):
        parts(space, "it", ["z/bb"])


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (spaces.Box(0, 255, (8, 8, 3), np.uint8), "observations must hold vectors of numbers, got Box"),
        (spaces.Dict(a=spaces.Discrete(3)), "part 'a' of the observations must be a Box of numbers"),
        (spaces.Sequence(spaces.Box(0, 1, (2,))), "observations must be a Box of numbers"),
        (spaces.Dict(), "observations must hold vectors of numbers"),
    ],
)
def test_what_holds_no_vector_is_refused(space: spaces.Space[Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        parts(space, "observations")
