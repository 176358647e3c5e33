"""Training as a generator: each step is yielded; progress bars, tracking, early stopping and saving are its consumers.

All randomness is a function of (seed, step), so a state is just tensors and a step number: a training killed and
resumed ends in the same bits as one left alone.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import join, take
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.noise import Purpose, uniform
from becalm.objective.draw import BINS, Importance, Objective, draw, losses
from becalm.schedule import Schedule
from becalm.train.muon import Muon, is_matrix

C = TypeVar("C")


class Training(BaseModel):
    """How long and how fast a network is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(20_000, ge=1, description="Optimiser steps.")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon orthogonalises the updates of matrices; it needs fewer steps at the same rate."
    )
    rate: float = Field(1e-3, gt=0, description="Highest learning rate.")
    warmup: int = Field(200, ge=0, description="Steps over which the rate rises from 0.")
    decay: Literal["cosine", "cooldown", "constant"] = Field(
        "cosine",
        description="What the rate does after: cosine falls to 0; cooldown stays, then falls to 0; constant stays.",
    )
    cooldown: float = Field(0.4, gt=0, le=1, description="Share of the steps over which cooldown falls, linearly.")
    beta2: float = Field(0.99, ge=0, lt=1, description="AdamW's memory of squared gradients.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay.")
    clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(0.9995, ge=0, lt=1, description="Memory of the averaged weights; shorter at first.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients make one step.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Arithmetic of matrix products; auto: bf16 on GPUs, on CPUs the faster by a trial step."
    )
    compile: bool = Field(False, description="Compile the network first (torch.compile).")
    seed: int = Field(0, ge=0, lt=2**63, description="Weights, data order, noise.")


@dataclass(frozen=True, slots=True, eq=False)
class TrainStep:
    """One optimiser step.

    Attributes:
        step: Steps done, this one included.
        loss: Mean weighted loss, 0-dim; read it when you need it, since reading waits for the device.
        norm: Norm of the gradient before clipping, 0-dim.
        rate: Learning rate used.
    """

    step: int
    loss: Tensor
    norm: Tensor
    rate: float


@dataclass(eq=False)
class TrainState(Generic[C]):
    """All that a training is: configuration, tensors, a step number. ``train`` advances it in place."""

    domain: Domain[C]
    schedule: Schedule
    objective: Objective
    training: Training
    network: nn.Module
    average: dict[str, Tensor]
    optimizers: list[torch.optim.Optimizer]
    history: Tensor
    device: torch.device
    step: int = 0

    def averaged(self) -> dict[str, Tensor]:
        """The network's state with the averaged (EMA) weights."""
        return {**self.network.state_dict(), **self.average}


def begin(
    domain: Domain[C], schedule: Schedule, objective: Objective, training: Training, device: torch.device
) -> TrainState[C]:
    """A fresh training.

    Raises:
        ValueError: If the objective cannot be trained on the schedule.
    """
    objective.check(schedule)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network = domain.network()
    network = network.to(device).train()
    average = {name: value.detach().clone() for name, value in network.named_parameters()}
    history = torch.zeros(BINS, dtype=torch.float64)
    state = TrainState(domain, schedule, objective, training, network, average, [], history, device)
    if training.precision == "auto":
        state.training = training.model_copy(update={"precision": _faster(state)})
    # Only now, since an optimiser may ask for the precision: a resumed training finds it settled.
    state.optimizers = _optimizers(network, state.training)
    return state


def train(state: TrainState[C]) -> Iterator[TrainStep]:
    """Advances the state step by step to ``training.steps``; stop whenever you like, and go on with another call.

    Raises:
        UserError: If the loss is no longer finite (checked every 50 steps and at the end).
    """
    training = state.training
    batches = state.domain.batches("train", training.seed, state.step * training.accumulate)
    network = torch.compile(state.network) if training.compile else state.network
    weights = list(state.network.parameters())
    averages = list(state.average.values())
    while state.step < training.steps:
        rate = rate_at(training, state.step)
        for optimizer in state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        loss = torch.zeros((), device=state.device)
        for part in range(training.accumulate):
            number = state.step * training.accumulate + part
            loss += _backward(state, network, next(batches), number)  # type: ignore[arg-type]
        norm = nn.utils.clip_grad_norm_(weights, training.clip)
        for optimizer in state.optimizers:
            optimizer.step()
        state.network.zero_grad(set_to_none=True)
        memory = min(training.ema, (1 + state.step) / (10 + state.step))
        with torch.no_grad():
            torch._foreach_lerp_(averages, [weight.detach() for weight in weights], 1 - memory)
        state.step += 1
        if (state.step % 50 == 0 or state.step == training.steps) and not bool(torch.isfinite(loss + norm)):
            raise UserError(
                f"the loss is no longer finite at step {state.step}: lower --rate, or look for NaN in the data"
            )
        yield TrainStep(state.step, loss.detach(), norm.detach(), rate)


def rate_at(training: Training, step: int) -> float:
    """Learning rate of step ``step`` (from 0): linear warm-up, then the decay."""
    if step < training.warmup:
        return training.rate * (step + 1) / training.warmup
    if training.decay == "constant":
        return training.rate
    if training.decay == "cooldown":
        # Until the fall begins nothing depends on ``steps``, so resuming may lengthen a training (Hagele et al. 2024).
        return training.rate * min(1.0, (training.steps - step) / (training.cooldown * training.steps))
    progress = (step - training.warmup) / max(training.steps - training.warmup, 1)
    return training.rate * 0.5 * (1 + math.cos(math.pi * progress))


def _backward(state: TrainState[C], network: nn.Module, batch: Batch[C], number: int) -> Tensor:
    """Adds one batch's gradient; returns its share of the step's loss."""
    seed = state.training.seed
    batch = batch.to(state.device)
    cond = dropped(state.domain, batch, state.objective.drop, seed=seed, step=number)
    drawn = draw(state.objective, state.schedule, batch, state.history, seed=seed, step=number)
    with _seeded(seed, number, state.device), _autocast(state.training.precision, state.device):
        weighted, bare = losses(state.objective, network, batch, drawn, cond, state.domain.penalty())
    loss = weighted.mean() / state.training.accumulate
    loss.backward()
    if isinstance(state.objective.times, Importance):
        _remember(state.history, drawn.t, bare.detach())
    return loss.detach()


def dropped(domain: Domain[C], batch: Batch[C], share: float, *, seed: int, step: int) -> C:
    """The batch's condition, with that share of the samples made unconditional."""
    if share == 0:
        return batch.cond
    sample = torch.arange(batch.size)
    null = (uniform(seed, sample, step, Purpose.TRAIN_DROP) < share).to(batch.x0.device)
    index = sample.to(batch.x0.device) + batch.size * null
    return take(join([batch.cond, domain.drop(batch.cond)]), index)


def _remember(history: Tensor, t: Tensor, loss: Tensor) -> None:
    """Running mean of the squared loss per time bin (Nichol and Dhariwal 2021 keep the last ten, which is alike)."""
    place = (t * len(history)).long().clamp(0, len(history) - 1).cpu()
    for bin_, value in zip(place.tolist(), (loss.double() ** 2).tolist(), strict=True):
        history[bin_] = value if history[bin_] == 0 else 0.9 * history[bin_] + 0.1 * value


@contextlib.contextmanager
def _seeded(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Makes dropout, and whatever else in a network uses torch's own random state, a function of the step."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed((seed * 1_000_003 + step) % 2**63)
        yield


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def _optimizers(network: nn.Module, training: Training) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the matrices and AdamW for the rest."""
    weights = list(network.parameters())
    matrices = [weight for weight in weights if training.optimizer == "muon" and is_matrix(weight)]
    taken = {id(weight) for weight in matrices}
    others = [weight for weight in weights if id(weight) not in taken]
    rest = torch.optim.AdamW(
        others, training.rate, betas=(0.9, training.beta2), weight_decay=training.weight_decay, fused=True
    )
    if not matrices:
        return [rest]
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    return [rest, Muon(matrices, lr=training.rate, weight_decay=training.weight_decay, dtype=dtype)]


def _faster(state: TrainState[C]) -> Literal["fp32", "bf16"]:
    """bf16 on GPUs that have it; on CPUs whichever is faster on a trial batch: that depends on chip and network."""
    if state.device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if state.device.type != "cpu":
        return "fp32"
    batch = next(state.domain.batches("train", state.training.seed))
    seconds: dict[Literal["fp32", "bf16"], float] = {"fp32": math.inf, "bf16": math.inf}
    for _ in range(3):
        for precision in seconds:
            trial = state.training.model_copy(update={"precision": precision})
            start = time.perf_counter()
            _backward(TrainState(**{**vars(state), "training": trial}), state.network, batch, 0)
            seconds[precision] = min(seconds[precision], time.perf_counter() - start)
            state.network.zero_grad(set_to_none=True)
    state.history.zero_()
    return "bf16" if seconds["bf16"] < seconds["fp32"] else "fp32"
