"""A training as a model to look at on the way: to sample from, to judge."""

from copy import deepcopy
from typing import TypeVar

from becalm.model.model import Model
from becalm.train.resume import describe
from becalm.train.state import TrainState

C = TypeVar("C")


def snapshot(state: TrainState[C]) -> Model[C]:
    """The model with the averaged weights of this moment, in memory of its own."""
    network = deepcopy(state.network).eval().requires_grad_(False)
    model = Model(state.domain, state.schedule, state.objective, network, state.codec, state.device, describe(state))
    refresh(model, state)
    return model


def refresh(model: Model[C], state: TrainState[C]) -> None:
    """Brings the weights of a training's snapshot up to date."""
    model.network.load_state_dict(state.averaged())
