"""A short supervised training: AdamW, one cosine from the top rate to 0, an order of data that the seed gives.

On a GPU its steps are recorded, as a model's are.
"""

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from becalm.cond import to
from becalm.errors import UserError
from becalm.noise import permutation
from becalm.recorded import Record, Recorded, cuda_graph
from becalm.train.budget import used

_RATE = 2e-3


def recording(device: torch.device) -> Record | None:
    """How steps are recorded on a device; None where they are not."""
    return cuda_graph if device.type == "cuda" else None


def fit(
    network: nn.Module,
    loss: Callable[[Tensor, int | Tensor], Tensor],
    count: int,
    *,
    epochs: int | None,
    seed: int,
    minutes: float | None = None,
    batch: int = 128,
) -> Iterator[float]:
    """Trains in place; yields the share done after each step.

    Args:
        loss: (indices of the batch on the network's device, step) to the mean loss; the step is a number, or a 0-dim
            tensor where steps are recorded.
        count: Number of examples.
        epochs, minutes: How often over the examples, how long by the clock; whichever ends first.
        batch: Examples of a step.

    Raises:
        UserError: If a weight is no longer finite, looked at after each time over the examples and at the end.
    """
    device = next(network.parameters()).device
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, capturable=device.type == "cuda")

    def advance(fixed: object, index: Tensor, number: int | Tensor, rate: float | Tensor) -> tuple[Tensor, ...]:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        value = loss(index, number)
        value.backward()
        optimizer.step()
        return (value.detach(),)

    recorded = Recorded(advance, device, recording(device))
    per_epoch = -(-count // batch)
    total = None if epochs is None else epochs * per_epoch
    begun, step = time.perf_counter(), 0
    part = used(total, minutes, step, 0.0)
    while not part.over:
        epoch, number = divmod(step, per_epoch)
        if number == 0:
            order = permutation(seed, epoch, count)
        rate = _RATE * 0.5 * (1 + math.cos(math.pi * part.done / part.total))
        recorded(None, to(order[number * batch : (number + 1) * batch], device), step, rate)
        step += 1
        part = used(total, minutes, step, time.perf_counter() - begun)
        if part.over or step % per_epoch == 0:
            _check(network, step)
        yield part.share


def _check(network: nn.Module, step: int) -> None:
    if not all(bool(torch.isfinite(weight).all()) for weight in network.parameters()):
        raise UserError(f"the weights are no longer finite after step {step}, nothing is kept: try another --seed")
