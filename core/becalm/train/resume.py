"""A training on disk: the checkpoint that others use, and beside it the state that resumes it to the bit."""

from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, TypeAdapter

import becalm
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.objective.draw import Objective
from becalm.plugin.find import domain_ref, resolve
from becalm.schedule import Schedule
from becalm.train.loop import Training, TrainState, begin

C = TypeVar("C")
_SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)


def describe(state: TrainState[C]) -> dict[str, Any]:
    """The configuration of a training, as it stands in a checkpoint's header."""
    parts: dict[str, BaseModel] = {
        "settings": state.domain,
        "schedule": state.schedule,
        "objective": state.objective,
        "training": state.training,
    }
    described = {name: part.model_dump(mode="json") for name, part in parts.items()}
    return {"domain": state.domain.name, **described, "step": state.step, "becalm": becalm.__version__}


def export(state: TrainState[C], *, half: bool = False) -> Checkpoint:
    """The checkpoint that others use: averaged weights and the codec.

    Args:
        half: Store floats as float16, half the size; they are read back as float32.
    """
    tensors = {f"network.{name}": value for name, value in state.averaged().items()}
    codec = state.domain.codec()
    if isinstance(codec, torch.nn.Module):
        tensors |= {f"codec.{name}": value for name, value in codec.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    return Checkpoint(tensors, describe(state))


def resume_path(path: Path) -> Path:
    """Where the resume state of a checkpoint lies."""
    return path.with_name(f"{path.stem}.resume.safetensors")


def save(state: TrainState[C], path: Path, *, half: bool = False) -> None:
    """Writes the resume state, then the checkpoint, each whole or not at all.

    Raises:
        UserError: If the place cannot be written.
    """
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in state.average.items()}
    for rank, optimizer in enumerate(state.optimizers):
        for number, moments in optimizer.state_dict()["state"].items():
            prefix = f"optimizer.{rank}.{number}."
            tensors |= {prefix + name: torch.as_tensor(value) for name, value in moments.items()}
    tensors["history"] = state.history
    Checkpoint(tensors, describe(state)).write(resume_path(path))
    export(state, half=half).write(path)


def resume(path: Path, device: torch.device) -> TrainState[Any]:
    """The training whose checkpoint is ``path``, as it was at its last save.

    Raises:
        UserError: If there is no resume state, it is damaged, or its domain is not installed.
    """
    place = resume_path(path)
    if not place.exists():
        raise UserError(f"there is nothing to resume: {place} does not exist")
    stored = Checkpoint.read(place)
    config = stored.config
    kind: type[Domain[Any]] = resolve(domain_ref(config["domain"]).target)
    state = begin(
        kind.model_validate(config["settings"]),
        _SCHEDULE.validate_python(config["schedule"]),
        Objective.model_validate(config["objective"]),
        Training.model_validate(config["training"]),
        device,
    )
    state.network.load_state_dict(_part(stored, "network."))
    for name, value in _part(stored, "average.").items():
        state.average[name].copy_(value)
    for rank, optimizer in enumerate(state.optimizers):
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _part(stored, f"optimizer.{rank}.").items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        _lay_out(optimizer)
    state.history.copy_(stored.tensors["history"])
    state.step = int(config["step"])
    return state


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Gives moments the memory order of their weights, which a file does not keep: fused kernels go by address."""
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                moments[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _part(stored: Checkpoint, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in stored.tensors.items() if name.startswith(prefix)}
