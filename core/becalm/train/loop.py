"""Training as a generator: each step is yielded; progress bars, tracking, early stopping and saving are its consumers.

All randomness is a function of (seed, step), so a state is just tensors and a step number: a training killed and
resumed ends in the same bits as one left alone. One that ends by the clock (``minutes``) goes on with the time that was
left at its last save; how far it comes is the machine's matter.
"""

import time
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatch
from typing import TypeVar

import torch
from torch import nn

from becalm.device import building, refuse_many
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.objective import Objective
from becalm.objective.draw import BINS
from becalm.schedule import NoiseSchedule, Schedule
from becalm.train.checks.finite import check_steps, check_tensors
from becalm.train.graph import Stepper, recording
from becalm.train.optimizer import optimizers
from becalm.train.settings import Training, rate_at
from becalm.train.state import TrainState, TrainStep
from becalm.train.step import Part, faster

C = TypeVar("C")


def begin(
    domain: Domain[C],
    schedule: NoiseSchedule,
    objective: Objective,
    training: Training,
    device: torch.device,
    *,
    origin: Checkpoint | None = None,
    student: Checkpoint | None = None,
    network: nn.Module | None = None,
) -> TrainState[C]:
    """A training at its first step.

    Args:
        origin: A checkpoint whose weights and codec the network begins with, for fine-tuning.
        student: A checkpoint whose weights the network begins with instead, where the objective learns from ``origin``.
        network: The network to train; by default a fresh one of the domain.

    Raises:
        UserError: If the schedule is no kind, so that no checkpoint could name it; the domain has no null condition to
            train without; the checkpoint's weights are none of the network's; or all weights are frozen.
        UserError: If the objective learns from a teacher and there is no checkpoint, or one of another prediction; or
            there is a student and no teacher.
        ValueError: If the objective cannot be trained on the schedule.
    """
    if not isinstance(schedule, Schedule):
        raise UserError(
            f"a checkpoint must name its schedule: make {type(schedule).__name__} a subclass of "
            "becalm.schedule.Schedule with a kind of its own, and becalm.register it"
        )
    refuse_many()
    if torch.is_inference_mode_enabled():
        raise UserError("a training needs gradients: begin it outside torch.inference_mode()")
    process = domain.process()
    schedule = objective.fit(schedule)
    objective.check(schedule, process)
    schedule.check(process, domain.shape())
    if objective.drop and not domain.has_null:
        raise UserError(f"{domain.name} has no null condition, so none can be trained without condition: set drop to 0")
    with building():
        torch.manual_seed(training.seed)
        network = domain.network() if network is None else network
        codec = domain.codec()
    if origin is not None:
        _load(network, origin, "network.")
        if isinstance(codec, nn.Module) and codec.state_dict():
            _load(codec, origin, "codec.")
    teacher = _teacher(network, objective, origin)
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
    state.teacher = None if teacher is None else teacher.to(device)
    state.critic = deepcopy(network) if objective.criticised else None
    if student is not None:
        if teacher is None:
            raise UserError(f"a student needs a teacher, and objective {objective.name} has none: leave it out")
        _load(network, student, "network.")
    spacing = {} if domain.usual().get("spacing") else objective.spacing(schedule)
    state.data, state.sampling = domain.fingerprint(), {**spacing, **objective.sampling()}
    state.average = {name: weight.detach().clone() for name, weight in state.weights().items()}
    if not state.average:
        raise UserError(f"freeze leaves nothing to train: {', '.join(training.freeze)}")
    if training.precision == "auto":
        state.training = training.model_copy(update={"precision": faster(state)})
    # Only now, since an optimiser may ask for the precision: a resumed training finds it settled.
    state.optimizers = optimizers(state.optimised(), state.training)
    return state


def train(state: TrainState[C]) -> Iterator[TrainStep]:
    """Advances the state step by step until ``state.over``; stop whenever you like, and go on with another call.

    Raises:
        DivergedError: If a loss or a gradient is no longer finite, looked at every 50 steps and at the end, or then a
            weight.
    """
    training = state.training
    batches = state.domain.batches("train", training.seed, state.step * training.accumulate)
    network = torch.compile(state.network) if training.compile else state.network
    step = Stepper(state, network, recording(state))  # type: ignore[arg-type]
    begun = time.perf_counter() - state.seconds
    while not state.over:
        rate = rate_at(training, state.step, state.seconds)
        numbers = range(state.step * training.accumulate, (state.step + 1) * training.accumulate)
        memory = min(training.ema, (1 + state.step) / (10 + state.step))
        loss, norm = step([Part(next(batches).to(state.device), number) for number in numbers], rate, 1 - memory)
        state.step, state.seconds = state.step + 1, time.perf_counter() - begun
        done = TrainStep(state.step, loss.detach(), norm.detach(), rate, state.seconds)
        state.unchecked.append(done)
        if state.step % 50 == 0 or state.over:
            check_steps(state)
        yield done
    check_tensors(state)  # For whoever trains without saving.


def _teacher(network: nn.Module, objective: Objective, origin: Checkpoint | None) -> nn.Module | None:
    """The network as the training begins with it, if the objective learns from it."""
    if not objective.taught:
        return None
    if origin is None:
        raise UserError(f"objective {objective.name} learns from a teacher: begin from a trained checkpoint (--from)")
    theirs = origin.config.get("objective", {}).get("prediction", objective.prediction)
    if theirs != objective.prediction:
        raise UserError(f"the teacher's prediction is {theirs}: prediction must be that, got {objective.prediction}")
    return deepcopy(network).eval().requires_grad_(False)


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
