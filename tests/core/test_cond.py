"""Conditions are cut and joined along their samples, whatever they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from becalm.cond import join, take, to


class Pair(NamedTuple):
    one: Tensor
    other: Tensor | None


@dataclass(frozen=True)
class Window:
    state: Tensor
    goal: dict[str, Tensor]


@dataclass(frozen=True)
class Graph:
    """Samples of different sizes: a condition with methods of its own."""

    sizes: tuple[int, ...]
    device: str = "cpu"

    def take(self, index: Tensor) -> "Graph":
        return Graph(tuple(self.sizes[place] for place in index.tolist()))

    @classmethod
    def join(cls, graphs: Sequence["Graph"]) -> "Graph":
        return cls(tuple(size for graph in graphs for size in graph.sizes))

    def to(self, device: Any) -> "Graph":
        return Graph(self.sizes, str(device))


def make(kind: str, count: int) -> Any:
    rows = torch.arange(count * 2).reshape(count, 2)
    return {
        "none": None,
        "tensor": rows,
        "tuple": (rows, rows + 1),
        "named tuple": Pair(rows, None),
        "dict": {"a": rows, "b": {"c": rows + 2}},
        "dataclass": Window(rows, {"goal": rows + 3}),
        "graph": Graph(tuple(range(count))),
    }[kind]


def flat(cond: Any) -> list[Any]:
    if isinstance(cond, Tensor):
        return cond.tolist()
    if isinstance(cond, Window):
        return [flat(cond.state), flat(cond.goal)]
    if isinstance(cond, Graph):
        return list(cond.sizes)
    if isinstance(cond, dict):
        return [(key, flat(value)) for key, value in cond.items()]
    return [type(cond).__name__, *(flat(part) for part in cond)] if isinstance(cond, tuple) else [cond]


KINDS = ["none", "tensor", "tuple", "named tuple", "dict", "dataclass", "graph"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(0, 6))
def test_taking_the_parts_and_joining_them_is_the_whole(kind: str, count: int, cut: int) -> None:
    cond, index = make(kind, count), torch.arange(count)
    parts = [take(cond, part) for part in (index[:cut], index[cut:])]
    assert flat(join(parts)) == flat(cond)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_be_taken_in_any_order_and_twice(kind: str) -> None:
    cond = make(kind, 4)
    twice = take(cond, torch.tensor([2, 0, 2]))
    assert flat(take(twice, torch.tensor([0]))) == flat(take(cond, torch.tensor([2])))
    assert flat(take(twice, torch.tensor([1]))) == flat(take(cond, torch.tensor([0])))
    assert flat(take(twice, torch.tensor([0]))) == flat(take(twice, torch.tensor([2])))


@pytest.mark.parametrize("kind", KINDS)
def test_moving_to_a_device_keeps_the_structure(kind: str) -> None:
    cond = make(kind, 3)
    assert type(to(cond, "cpu")) is type(cond) and flat(to(cond, "cpu")) == flat(cond)


@pytest.mark.parametrize("function", [lambda cond: take(cond, torch.tensor([0])), lambda cond: join([cond, cond])])
@pytest.mark.parametrize("cond", [3, "seven", object(), [torch.zeros(2)]])
def test_what_is_no_condition_is_refused_in_a_sentence(function: Any, cond: Any) -> None:
    with pytest.raises(TypeError, match="a condition must be None, a tensor, a tuple, dict or dataclass of these"):
        function(cond)
