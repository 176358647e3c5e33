"""Trainings of the toy domain, some recipes for them, and when two of them are the same to the bit."""

from typing import Any

import torch
from torch import Tensor
from toy import Points

from becalm.objective import Objective
from becalm.schedule import Cosine
from becalm.train import Training, TrainState, begin, train

CPU = torch.device("cpu")


def fresh(
    domain: dict[str, Any] | None = None, objective: dict[str, Any] | None = None, **training: Any
) -> TrainState[Tensor]:
    settings = {"steps": 12, "precision": "fp32", "warmup": 3, **training}
    return begin(Points(**(domain or {})), Cosine(), Objective(**(objective or {})), Training(**settings), CPU)


def finished(state: TrainState[Tensor]) -> TrainState[Tensor]:
    for _ in train(state):
        pass
    return state


def tensors(state: TrainState[Tensor]) -> dict[str, Tensor]:
    """All that a training has learned and remembers."""
    named = {**state.network.state_dict(), "history": state.history, "step": torch.tensor(state.step)}
    named |= {f"average.{name}": value for name, value in state.average.items()}
    for rank, optimizer in enumerate(state.optimizers):
        for number, moments in optimizer.state_dict()["state"].items():
            named |= {f"{rank}.{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    return named


def same(one: TrainState[Tensor], other: TrainState[Tensor]) -> bool:
    left, right = tensors(one), tensors(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "accumulating, with dropout": ({"dropout": 0.2}, {}, {"accumulate": 3}),
    "by importance": ({}, {"times": {"kind": "importance"}}, {"decay": "constant"}),
    "muon in bf16": ({}, {}, {"optimizer": "muon", "precision": "bf16", "decay": "cooldown"}),
    "muon, precision by trial": ({}, {}, {"optimizer": "muon", "precision": "auto"}),
}
