"""One optimiser step: the gradients of batches, the update, the averaged weights."""

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import join, take
from becalm.denoiser import Denoiser, NetworkDenoiser
from becalm.denoiser.protocol import wrap
from becalm.device import half
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.network.embeds import Embeds, embed
from becalm.noise import Purpose, uniform
from becalm.objective import Others
from becalm.objective.draw import draw, weighted
from becalm.train.arithmetic import autocast, seeded
from becalm.train.state import TrainState

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[C]):
    """A batch of data on the training's device.

    Attributes:
        number: Of the batch, on which all chance in it depends. A 0-dim tensor on the device where the step is
            recorded; what the network itself leaves to chance is seeded from outside then.
    """

    batch: Batch[C]
    number: int | Tensor


def advance(
    state: TrainState[C], network: nn.Module, parts: Sequence[Part[C]], rate: float | Tensor, share: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Updates the weights and their averages in place; returns the mean loss and the gradient's norm, both 0-dim.

    Args:
        rate: Learning rate.
        share: Of the new weights in the averages.
    """
    weights, critics = list(state.weights().values()), state.critics().values()
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
    loss = torch.zeros((), dtype=torch.float32, device=state.device)
    for part in parts:
        loss += _backward(state, network, part)
    for weight in weights if critics else ():  # A student that waits for its critic moves as one without a gradient.
        weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
    norm = nn.utils.clip_grad_norm_([*weights, *critics], state.training.clip)
    for optimizer in state.optimizers:
        optimizer.step()
    state.zero_grad()
    _follow(list(state.average.values()), [weight.detach() for weight in weights], share)
    return loss, norm


@torch.no_grad()
def _follow(averages: list[Tensor], weights: list[Tensor], share: float | Tensor) -> None:
    """Moves averages towards weights by a share of the way."""
    if isinstance(share, Tensor):  # Which torch's lerp of lists does not take.
        ways = torch._foreach_sub(weights, averages)
        torch._foreach_mul_(ways, share)
        torch._foreach_add_(averages, ways)
    else:
        torch._foreach_lerp_(averages, weights, share)


def _backward(state: TrainState[C], network: nn.Module, part: Part[C]) -> Tensor:
    """Adds one batch's gradient; returns its share of the step's loss."""
    seed, number, objective = state.training.seed, part.number, state.objective
    batch = encoded(state, part.batch)
    drawn = draw(objective, state.schedule, batch, state.history, seed=seed, step=number, process=state.process)
    student = denoiser(state, network)
    others = beside(state, denoiser(state, _Averaged(state)))
    chance = seeded(seed, number, state.device) if isinstance(number, int) else contextlib.nullcontext()
    with chance, autocast(state.training.precision, state.device):
        batch = replace(batch, cond=embed(network, batch.cond))
        batch = replace(batch, cond=dropped(state.domain, batch, objective.drop, seed=seed, step=number))
        losses, bare = weighted(objective, student, others, batch, drawn)
    loss = losses.mean() / state.training.accumulate
    loss.backward()
    if objective.levels.remembers:
        _remember(state.history, drawn.t, bare.detach())
    return loss.detach()


def encoded(state: TrainState[C], batch: Batch[C]) -> Batch[C]:
    """A batch of data in diffusion space, on the training's device."""
    batch = batch.to(state.device)
    with torch.no_grad():
        x0 = state.codec.encode(batch.x0, batch.cond)
    if x0.shape[1:] != state.domain.shape():
        shape, rows = state.domain.shape(), tuple(x0.shape[1:])
        raise UserError(f"a batch of {state.domain.name} must have rows of shape {shape}, got {rows}")
    return replace(batch, x0=x0)


def dropped(domain: Domain[C], batch: Batch[C], share: float, *, seed: int, step: int | Tensor) -> C:
    """The batch's condition, with that share of the samples made unconditional."""
    if share == 0:
        return batch.cond
    sample = torch.arange(batch.size, device=batch.x0.device)
    null = uniform(seed, sample, step, Purpose.TRAIN_DROP) < share
    index = sample + batch.size * null
    return take(join([batch.cond, domain.drop(batch.cond)]), index)


def denoiser(state: TrainState[C], network: nn.Module) -> NetworkDenoiser[C]:
    """A network as the training's objective sees it."""
    objective = state.objective
    return NetworkDenoiser(network, objective.prediction, learned=objective.learned, process=state.process)


def beside(state: TrainState[C], average: NetworkDenoiser[C]) -> Others[C]:
    """What the training's objective may ask beside the student."""
    teacher, critic = (
        None if network is None else _apart(state, denoiser(state, network))
        for network in (state.teacher, state.critic)
    )
    domain = state.domain
    drop = domain.drop if domain.has_null else None
    return Others(_apart(state, average), teacher, critic, domain.penalty(), drop)


def _apart(state: TrainState[C], denoise: Denoiser[C]) -> Denoiser[C]:
    """A denoiser of other weights than the student's, which sees conditions as the student's embedding found them."""
    network = state.network
    if not isinstance(network, Embeds):
        return denoise

    def call(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        return denoise(x, level, network.bare(cond))

    return wrap(denoise, call)


class _Averaged(nn.Module):
    """The network with its averaged weights, which get no gradient."""

    def __init__(self, state: TrainState[Any]) -> None:
        super().__init__()
        # In a tuple, so that the network is none of this module's own.
        self._state = (state,)

    def forward(self, *args: Any) -> Any:
        """The network's output."""
        state = self._state[0]
        with torch.no_grad():
            return torch.func.functional_call(state.network, state.averaged(), args)


def _remember(history: Tensor, t: Tensor, loss: Tensor) -> None:
    """Running mean of the squared loss per time bin (Nichol and Dhariwal 2021 keep the last ten, which is alike).

    One sample after another, h = .9 h + .1 loss^2, or loss^2 where h is 0; as sums, which wait for no device.
    """
    bins = torch.arange(len(history), device=history.device)
    inside = ((t * len(history)).long().clamp(0, len(history) - 1)[:, None] == bins).double()
    count = inside.cumsum(0)
    first = (count == 1) & (history == 0)
    share = inside * torch.where(first, 1.0, 0.1 * inside) * 0.9 ** (count[-1] - count)
    history.mul_(0.9 ** count[-1]).add_((share * loss.double().square()[:, None]).sum(0))


def faster(state: TrainState[C]) -> Literal["fp32", "bf16"]:
    """bf16 on GPUs that have it; on CPUs whichever is faster on a trial batch: that depends on chip and network."""
    if state.device.type != "cpu":
        return "fp32" if half("auto", state.device) is None else "bf16"
    batch = next(state.domain.batches("train", state.training.seed))
    seconds: dict[Literal["fp32", "bf16"], float] = {"fp32": math.inf, "bf16": math.inf}
    for _ in range(3):
        for precision in seconds:
            trial = state.training.model_copy(update={"precision": precision})
            start = time.perf_counter()
            _backward(replace(state, training=trial), state.network, Part(batch, 0))
            seconds[precision] = min(seconds[precision], time.perf_counter() - start)
            state.zero_grad()
    state.history.zero_()
    return "bf16" if seconds["bf16"] < seconds["fp32"] else "fp32"
