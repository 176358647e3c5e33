"""A training on disk: the checkpoint that others use, and beside it the state that resumes it to the bit."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError

import becalm
from becalm.domain import Domain
from becalm.errors import UserError, sentence
from becalm.files.atomic import write_together
from becalm.files.checkpoint import Checkpoint
from becalm.gate import network
from becalm.model.load import named, parts
from becalm.objective import Objective
from becalm.plugin.find import Plugin, bringer
from becalm.plugin.kinds import Kind
from becalm.train.checks.conditions import check_data, conditions
from becalm.train.checks.finite import check_steps, check_tensors
from becalm.train.checks.saved import UnfitError, check_header, check_saved
from becalm.train.loop import begin
from becalm.train.settings import Training
from becalm.train.state import TrainState

C = TypeVar("C")


def describe(state: TrainState[C]) -> dict[str, Any]:
    """The configuration of a training, as it stands in a checkpoint's header."""
    sections: dict[str, BaseModel] = {
        "settings": state.domain,
        "schedule": state.schedule,
        "objective": state.objective,
        "training": state.training,
    }
    described: dict[str, Any] = {name: part.model_dump(mode="json") for name, part in sections.items()}
    if found := dict(brought(*sections.values())):
        described["brought"] = {what: plugin.distribution for what, plugin in found.items()}
        described["versions"] = {plugin.distribution: plugin.version for plugin in found.values()}
    if state.sampling:
        described["sampling"] = dict(state.sampling)
    if state.training.minutes is not None:  # Elsewhere the clock has no say, and two trainings have the same header.
        described["seconds"] = state.seconds
    return {"domain": state.domain.name, **described, "step": state.step, "becalm": becalm.__version__}


def brought(*settings: BaseModel) -> Iterator[tuple[str, Plugin]]:
    """The domain and the kinds in some settings that other distributions bring, each with the plugin that does."""
    for part in settings:
        if isinstance(part, Domain | Kind) and not type(part).__module__.startswith("becalm."):
            room = "domain" if isinstance(part, Domain) else part.room
            plugin = bringer(room, part.name)
            if plugin is not None:
                yield f"{room} {part.name!r}", plugin
        inner = (getattr(part, name) for name in type(part).model_fields)
        yield from brought(*(value for value in inner if isinstance(value, BaseModel)))


def export(state: TrainState[C], *, half: bool = False) -> Checkpoint:
    """The checkpoint that others use: averaged weights and the codec.

    Args:
        half: Store the network's floats as float16, half the size; they are read back as float32.
    """
    tensors = {f"network.{name}": value for name, value in state.averaged().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    return Checkpoint({**tensors, **_codec(state)}, describe(state))


def resume_path(path: Path) -> Path:
    """Where the resume state of a checkpoint lies."""
    return path.with_name(f"{path.stem}.resume.safetensors")


def save(state: TrainState[C], path: Path, *, half: bool = False) -> None:
    """Writes the resume state and the checkpoint: both are durable before the first takes its place.

    Raises:
        DivergedError: If a loss, a gradient or a weight is not finite; what was saved last is kept.
        UserError: If the place cannot be written.
    """
    check_steps(state)
    check_tensors(state)
    state.half = half or state.half
    write_together(
        (place, made(state).put) for place, made in ((resume_path(path), _resume_state), (path, _checkpoint))
    )
    state.bits = conditions(state)


def complete(state: TrainState[C], path: Path) -> str:
    """Writes the checkpoint of a resumed training where it is not the one that was saved with the resume state.

    That is so when a process died, or the disk failed, between the two.

    Returns:
        What was wrong with it; nothing if nothing was.

    Raises:
        UserError: If the place cannot be written.
    """
    wrong = ""
    if not path.exists():
        wrong = "was missing"
    else:
        try:
            stored = Checkpoint.read(path)
            step = stored.config.get("step")
            if step != state.step:
                wrong = f"was of step {step}"
            elif not any(_same(stored.tensors, export(state, half=half).tensors) for half in (state.half, True)):
                wrong = "did not go with its resume state"
        except UserError:
            wrong = "was damaged"
    if wrong:
        _checkpoint(state).write(path)
    return wrong


def _same(some: Mapping[str, torch.Tensor], others: Mapping[str, torch.Tensor]) -> bool:
    return some.keys() == others.keys() and all(
        value.dtype == others[name].dtype and torch.equal(value, others[name].cpu()) for name, value in some.items()
    )


def _checkpoint(state: TrainState[Any]) -> Checkpoint:
    return export(state, half=state.half)


def _resume_state(state: TrainState[Any]) -> Checkpoint:
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in state.average.items()}
    for rank, optimizer in enumerate(state.optimizers):
        for number, moments in optimizer.state_dict()["state"].items():
            prefix = f"optimizer.{rank}.{number}."
            tensors |= {prefix + name: torch.as_tensor(value) for name, value in moments.items()}
    for prefix, beside in (("teacher", state.teacher), ("critic", state.critic)):
        if beside is not None:
            tensors |= {f"{prefix}.{name}": value for name, value in beside.state_dict().items()}
    tensors |= {"history": state.history, **_codec(state)}
    told = {"data": dict(state.data), "bits": conditions(state), "half": state.half}
    return Checkpoint(tensors, {**describe(state), **told})


def _codec(state: TrainState[C]) -> dict[str, torch.Tensor]:
    if not isinstance(state.codec, torch.nn.Module):
        return {}
    return {f"codec.{name}": value for name, value in state.codec.state_dict().items()}


def resume(path: Path, device: torch.device, *, anyway: bool = False) -> TrainState[Any]:
    """The training whose checkpoint is ``path``, as it was at its last save.

    Args:
        anyway: Go on although the data are others than those that the training began with.

    Raises:
        UserError: If there is no resume state, it is damaged or none of a training, its domain is not installed, or the
            data are others and it is not to go on anyway.
    """
    place = resume_path(path)
    if not place.exists():
        raise UserError(f"there is nothing to resume: {place} does not exist")
    stored = Checkpoint.read(place)
    try:
        with named(place):
            return _restore(stored, device, anyway=anyway)
    except ValidationError as error:
        raise UserError(f"{place} is no state of a training: {sentence(error)}") from error
    except UnfitError as error:
        raise UserError(f"{place} is no state of a training: {error}") from error


def _restore(stored: Checkpoint, device: torch.device, *, anyway: bool) -> TrainState[Any]:
    config = dict(stored.config)
    check_header(config)
    domain, schedule, objective = parts(config)
    network.check_size(domain.network, stored.below("network."))
    network.check_size(domain.codec, stored.below("codec."))
    training = Training.model_validate(config["training"])
    state = begin(domain, schedule, objective, training, device, origin=_origin(stored, objective))
    if not anyway:
        check_data(config.get("data", {}), state.data)
    check_saved(stored.tensors, state, config["step"])
    state.network.load_state_dict(stored.below("network."))
    if state.critic is not None:
        state.critic.load_state_dict(stored.below("critic."))
    if isinstance(state.codec, torch.nn.Module) and state.codec.state_dict():
        state.codec.load_state_dict(stored.below("codec."))
    for name, value in stored.below("average.").items():
        state.average[name].copy_(value)
    for rank, optimizer in enumerate(state.optimizers):
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in stored.below(f"optimizer.{rank}.").items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        _lay_out(optimizer)
    state.history.copy_(stored.tensors["history"])
    state.step, state.seconds = config["step"], float(config.get("seconds", 0.0))
    state.sampling = config.get("sampling", {})
    state.half, state.bits = bool(config.get("half", False)), config.get("bits", {})
    return state


def _origin(stored: Checkpoint, objective: Objective) -> Checkpoint | None:
    """The checkpoint that a training with a teacher began from, as far as it is needed to go on."""
    if not objective.taught:
        return None
    teacher = {f"network.{name}": value for name, value in stored.below("teacher.").items()}
    codec = {f"codec.{name}": value for name, value in stored.below("codec.").items()}
    return Checkpoint({**teacher, **codec}, {})


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Gives moments the memory order of their weights, which a file does not keep: fused kernels go by address."""
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                moments[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
