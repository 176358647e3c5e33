"""A network and data of your own, no plugin: five lines to a model.

    model = becalm.fit(network, data, training={"steps": 2000})
    samples = model.sample(count=16).data
    model.save("mine.safetensors")
    model = becalm.load("mine.safetensors", network=network)

The network is called as ``network(x, level, cond)``: x (B, ...) of unit variance; ``level.angle`` tells the noise.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from becalm.cond import size
from becalm.device import pick
from becalm.errors import UserError
from becalm.model.load import build
from becalm.model.model import Model
from becalm.objective import Objective
from becalm.process import GAUSSIAN, Process
from becalm.schedule import Schedule
from becalm.tensors import Tensors
from becalm.train import TrainStep, begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import export
from becalm.train.settings import Training


def fit(
    network: nn.Module,
    data: Tensor,
    *,
    cond: Any = None,
    null: float | None = None,
    schedule: Schedule | Mapping[str, Any] | None = None,
    objective: Objective | Mapping[str, Any] | None = None,
    training: Training | Mapping[str, Any] | None = None,
    process: Process = GAUSSIAN,
    batch: int = 128,
    device: str = "auto",
    watch: Callable[[TrainStep], object] | None = None,
) -> Model[Any]:
    """Trains a network on the rows of a tensor.

    Args:
        network: Called as (x, level, cond); its output is of x's shape. It is trained in place; the model has a copy
            with averaged weights.
        data: (N, ...) rows.
        cond: A condition for each row: a tensor (N, ...), or a tuple, dict or dataclass of such.
        null: Value of the null condition, where a share of the rows is trained without condition (``objective`` with
            ``drop`` above 0): condition tensors are filled with it.
        schedule, objective, training: Settings, or tables of what differs from the defaults.
        process: What noise is.
        batch: Rows per training batch.
        device: auto, cpu or cuda.
        watch: Called after each step, for a progress bar or a log.

    Returns:
        The model, on the device.

    Raises:
        UserError: If data and conditions do not fit each other, a setting is wrong, or the loss becomes infinite.
    """
    _check(data, cond)
    rows = tuple(data.shape[1:])
    domain = Tensors(rows=rows, conditional=cond is not None, null=null, noise=process, batch=batch).hold(data, cond)
    usual = {"prediction": "x0"} if not process.gaussian and objective is None else objective
    settings = with_defaults(Tensors, schedule=schedule, objective=usual, training=training)
    state = begin(domain, *settings, pick(device), network=network)
    for step in train(state):
        if watch is not None:
            watch(step)
    return build(export(state), state.device, network=deepcopy(network))


def _check(data: Tensor, cond: Any) -> None:
    if data.dim() < 2 or not len(data):
        raise UserError(f"data must be rows of numbers, (N, ...), got shape {tuple(data.shape)}")
    if not bool(torch.isfinite(data).all()):
        raise UserError("data must be finite, got NaN or infinity")
    if cond is not None and size(cond) != len(data):
        raise UserError(f"there must be a condition for each of the {len(data)} rows, got {size(cond)}")
