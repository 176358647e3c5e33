"""Recorded steps do what steps do. A CUDA graph is stood in for by the function it is recorded of: what a step reads
must lie where the recording finds it, and the learning rate be a tensor there.
"""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from trainings import RECIPES, finished, fresh, tensors

from becalm.recorded import Record, Result
from becalm.train import TrainState, loop

Counted = tuple[Record, list[str]]


@pytest.fixture
def counted(stand_in: Counted, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records every training, and notes each recording and replay."""
    record, seen = stand_in
    monkeypatch.setattr(loop, "recording", lambda state: record)
    return seen


def _close(one: TrainState[Tensor], other: TrainState[Tensor]) -> None:
    left, right = tensors(one), tensors(other)
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, right[name], rtol=2e-4, atol=2e-5, msg=name)


@pytest.mark.parametrize("name", [name for name in RECIPES if "dropout" not in name and "trial" not in name])
def test_a_recorded_training_ends_where_another_does(name: str, counted: list[str], monkeypatch: Any) -> None:
    domain, objective, training = RECIPES[name]
    recorded = finished(fresh(domain, objective, **training))
    assert counted == ["recorded", *["replayed"] * 9]
    monkeypatch.setattr(loop, "recording", lambda state: None)
    _close(recorded, finished(fresh(domain, objective, **training)))


def test_several_batches_make_one_recorded_step(counted: list[str], monkeypatch: Any) -> None:
    recorded = finished(fresh(accumulate=3))
    assert counted.count("replayed") == 9
    monkeypatch.setattr(loop, "recording", lambda state: None)
    _close(recorded, finished(fresh(accumulate=3)))


def test_what_cannot_be_recorded_is_run_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: Callable[[], Result]) -> Callable[[], Result]:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(loop, "recording", lambda state: refuse)
    with pytest.warns(UserWarning, match=r"no CUDA graph .* slower: operation not permitted when stream is capturing$"):
        stopped = finished(fresh())
    monkeypatch.setattr(loop, "recording", lambda state: None)
    _close(stopped, finished(fresh()))


def test_steps_of_changing_shapes_are_never_recorded(counted: list[str]) -> None:
    state = fresh()
    whole, sizes = state.domain.batches, iter(range(5, 50))

    def shrinking(*args: Any) -> Any:
        for batch, size in zip(whole(*args), sizes, strict=False):
            yield type(batch).dense(batch.x0[:size], batch.cond[:size])

    object.__setattr__(state.domain, "batches", shrinking)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finished(state)
    assert counted == []


def test_a_step_of_another_shape_is_run_between_recorded_ones(counted: list[str]) -> None:
    state = fresh()
    whole = state.domain.batches

    def one_short(*args: Any) -> Any:
        for number, batch in enumerate(whole(*args)):
            short = slice(None, 7 if number == 8 else None)
            yield type(batch).dense(batch.x0[short], batch.cond[short])

    object.__setattr__(state.domain, "batches", one_short)
    finished(state)
    assert counted == ["recorded", *["replayed"] * 8]
    assert state.step == 12
