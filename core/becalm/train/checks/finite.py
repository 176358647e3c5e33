"""Whether a training has diverged, and at which step that began."""

from typing import Any

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.train.state import TrainState


class DivergedError(UserError):
    """A training whose numbers are no longer finite.

    Attributes:
        step: Where that began.
    """

    def __init__(self, what: str, step: int) -> None:
        super().__init__(f"{what} no longer finite at step {step}: lower --rate, or look for NaN in the data")
        self.step = step


def check_steps(state: TrainState[Any]) -> None:
    """Refuses to go on where a loss or a gradient since the last check was not finite. Waits for the device.

    Raises:
        DivergedError: If so.
    """
    steps, state.unchecked = state.unchecked, []
    if not steps:
        return
    finite = torch.isfinite(torch.stack([torch.stack([step.loss, step.norm]) for step in steps])).tolist()
    for step, (loss, norm) in zip(steps, finite, strict=True):
        if not (loss and norm):
            raise DivergedError("the gradient is" if loss else "the loss is", step.step)


def check_tensors(state: TrainState[Any]) -> None:
    """Refuses weights, averages and moments that are not finite. Waits for the device.

    Raises:
        DivergedError: If so.
    """
    moments = [
        value
        for optimizer in state.optimizers
        for kept in optimizer.state.values()
        for value in kept.values()
        if isinstance(value, Tensor)
    ]
    # Not the network's buffers: one may hold infinity from the beginning, as a mask does.
    tensors = [*state.optimised(), *state.average.values(), *moments, state.history]
    floats = [tensor for tensor in tensors if tensor.is_floating_point()]
    if floats and not bool(torch.stack([torch.isfinite(tensor).all() for tensor in floats]).all()):
        raise DivergedError("the weights are", state.step)
