"""Training as a generator: each step is yielded; progress bars, tracking, early stopping and saving are its consumers.

All randomness is a function of (seed, step), so a state is just tensors and a step number: a training killed and
resumed ends in the same bits as one left alone. One that ends by the clock (``minutes``) goes on with the time that was
left at its last save; how far it comes is the machine's matter.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.codec import Codec
from becalm.cond import join, take
from becalm.denoiser import NetworkDenoiser
from becalm.device import half, refuse_many
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.noise import Purpose, uniform
from becalm.objective import Objective, Others
from becalm.objective.draw import BINS, draw, weighted
from becalm.process import GAUSSIAN, Process
from becalm.schedule import NoiseSchedule, Schedule
from becalm.train.arithmetic import autocast, seeded
from becalm.train.optimizer import optimizers
from becalm.train.settings import Training, rate_at

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class TrainStep:
    """One optimiser step.

    Attributes:
        step: Steps done, this one included.
        loss: Mean weighted loss, 0-dim; read it when you need it, since reading waits for the device.
        norm: Norm of the gradient before clipping, 0-dim.
        rate: Learning rate used.
        seconds: Trained when it was done, earlier sessions included.
    """

    step: int
    loss: Tensor
    norm: Tensor
    rate: float
    seconds: float


@dataclass(eq=False)
class TrainState(Generic[C]):
    """All that a training is: configuration, tensors, a step number. ``train`` advances it in place.

    Attributes:
        data: What the domain says of the data that the training began with, see ``Domain.fingerprint``.
        seconds: Spent on it so far, from the call of ``train`` on, what its consumer does between two steps included.
    """

    domain: Domain[C]
    schedule: Schedule
    objective: Objective
    training: Training
    network: nn.Module
    codec: Codec[C]
    average: dict[str, Tensor]
    optimizers: list[torch.optim.Optimizer]
    history: Tensor
    device: torch.device
    process: Process = GAUSSIAN
    step: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def over(self) -> bool:
        """Whether its steps are done or its time is spent. Where not, at least one more step follows."""
        return self.training.used(self.step, self.seconds).over

    def averaged(self) -> dict[str, Tensor]:
        """The network's state with the averaged (EMA) weights."""
        return {**self.network.state_dict(), **self.average}

    def weights(self) -> dict[str, nn.Parameter]:
        """The weights that are trained, by name."""
        return {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}


def begin(
    domain: Domain[C],
    schedule: NoiseSchedule,
    objective: Objective,
    training: Training,
    device: torch.device,
    *,
    origin: Checkpoint | None = None,
    network: nn.Module | None = None,
) -> TrainState[C]:
    """A training at its first step.

    Args:
        origin: A checkpoint whose weights and codec the network begins with, for fine-tuning.
        network: The network to train; by default a fresh one of the domain.

    Raises:
        UserError: If the schedule is no kind, so that no checkpoint could name it; the domain has no null condition to
            train without; the checkpoint's weights are none of the network's; or all weights are frozen.
        ValueError: If the objective cannot be trained on the schedule.
    """
    if not isinstance(schedule, Schedule):
        raise UserError(
            f"a checkpoint must name its schedule: make {type(schedule).__name__} a subclass of "
            "becalm.schedule.Schedule with a kind of its own, and becalm.register it"
        )
    refuse_many()
    process = domain.process()
    objective.check(schedule, process)
    if objective.drop and not domain.has_null:
        raise UserError(f"{domain.name} has no null condition, so none can be trained without condition: set drop to 0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network = domain.network() if network is None else network
        codec = domain.codec()
    if origin is not None:
        _load(network, origin, "network.")
        if isinstance(codec, nn.Module) and codec.state_dict():
            _load(codec, origin, "codec.")
    network = network.to(device).train()
    for pattern in training.freeze:
        if not any(fnmatch(name, pattern) for name, _ in network.named_parameters()):
            first = next(name for name, _ in network.named_parameters())
            raise UserError(f"freeze must name weights of the network, such as {first!r}, got {pattern!r}")
    for name, weight in network.named_parameters():
        weight.requires_grad_(not any(fnmatch(name, pattern) for pattern in training.freeze))
    if isinstance(codec, nn.Module):
        codec = codec.to(device).eval().requires_grad_(False)
    history = torch.zeros(BINS, dtype=torch.float64, device=device)
    state = TrainState(domain, schedule, objective, training, network, codec, {}, [], history, device, process)
    state.data = domain.fingerprint()
    state.average = {name: weight.detach().clone() for name, weight in state.weights().items()}
    if not state.average:
        raise UserError(f"freeze leaves nothing to train: {', '.join(training.freeze)}")
    if training.precision == "auto":
        state.training = training.model_copy(update={"precision": _faster(state)})
    # Only now, since an optimiser may ask for the precision: a resumed training finds it settled.
    state.optimizers = optimizers(list(state.weights().values()), state.training)
    return state


def train(state: TrainState[C]) -> Iterator[TrainStep]:
    """Advances the state step by step until ``state.over``; stop whenever you like, and go on with another call.

    Raises:
        UserError: If the loss is no longer finite (checked every 50 steps and at the end).
    """
    training = state.training
    batches = state.domain.batches("train", training.seed, state.step * training.accumulate)
    network = torch.compile(state.network) if training.compile else state.network
    weights = list(state.weights().values())
    averages = list(state.average.values())
    begun = time.perf_counter() - state.seconds
    while not state.over:
        rate = rate_at(training, state.step, state.seconds)
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
        state.step, state.seconds = state.step + 1, time.perf_counter() - begun
        if (state.step % 50 == 0 or state.over) and not bool(torch.isfinite(loss + norm)):
            raise UserError(
                f"the loss is no longer finite at step {state.step}: lower --rate, or look for NaN in the data"
            )
        yield TrainStep(state.step, loss.detach(), norm.detach(), rate, state.seconds)


def _backward(state: TrainState[C], network: nn.Module, batch: Batch[C], number: int) -> Tensor:
    """Adds one batch's gradient; returns its share of the step's loss."""
    seed, objective = state.training.seed, state.objective
    batch = encoded(state, batch)
    batch = replace(batch, cond=dropped(state.domain, batch, objective.drop, seed=seed, step=number))
    drawn = draw(objective, state.schedule, batch, state.history, seed=seed, step=number, process=state.process)
    student = denoiser(state, network)
    others = Others(average=denoiser(state, _Averaged(state)), penalty=state.domain.penalty())
    with seeded(seed, number, state.device), autocast(state.training.precision, state.device):
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


def dropped(domain: Domain[C], batch: Batch[C], share: float, *, seed: int, step: int) -> C:
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


def _load(module: nn.Module, origin: Checkpoint, prefix: str) -> None:
    tensors = origin.below(prefix)
    own = module.state_dict()
    for name in own.keys() | tensors.keys():
        mine, theirs = (tuple(each[name].shape) if name in each else None for each in (own, tensors))
        if mine != theirs:
            raise UserError(
                f"the training cannot begin from this checkpoint: {name} is {_size(theirs)} there and "
                f"{_size(mine)} in the {prefix.rstrip('.')} to be trained"
            )
    module.load_state_dict(tensors)


def _size(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else str(shape)


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


def _faster(state: TrainState[C]) -> Literal["fp32", "bf16"]:
    """bf16 on GPUs that have it; on CPUs whichever is faster on a trial batch: that depends on chip and network."""
    if state.device.type != "cpu":
        return "fp32" if half("auto", state.device) is None else "bf16"
    batch = next(state.domain.batches("train", state.training.seed))
    seconds: dict[Literal["fp32", "bf16"], float] = {"fp32": math.inf, "bf16": math.inf}
    for _ in range(3):
        for precision in seconds:
            trial = state.training.model_copy(update={"precision": precision})
            start = time.perf_counter()
            _backward(replace(state, training=trial), state.network, batch, 0)
            seconds[precision] = min(seconds[precision], time.perf_counter() - start)
            state.network.zero_grad(set_to_none=True)
    state.history.zero_()
    return "bf16" if seconds["bf16"] < seconds["fp32"] else "fp32"
