"""A training on disk: the checkpoint that others use, and beside it the state that resumes it to the bit."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel

import becalm
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.model.load import parts
from becalm.plugin.find import Plugin, bringer
from becalm.plugin.kinds import Kind
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
    tensors |= {"history": state.history, **_codec(state)}
    Checkpoint(tensors, {**describe(state), "data": dict(state.data)}).write(resume_path(path))
    export(state, half=half).write(path)


def _codec(state: TrainState[C]) -> dict[str, torch.Tensor]:
    if not isinstance(state.codec, torch.nn.Module):
        return {}
    return {f"codec.{name}": value for name, value in state.codec.state_dict().items()}


def resume(path: Path, device: torch.device) -> TrainState[Any]:
    """The training whose checkpoint is ``path``, as it was at its last save.

    Raises:
        UserError: If there is no resume state, it is damaged, its domain is not installed, or the data are others than
            those that the training began with.
    """
    place = resume_path(path)
    if not place.exists():
        raise UserError(f"there is nothing to resume: {place} does not exist")
    stored = Checkpoint.read(place)
    config = dict(stored.config)
    domain, schedule, objective = parts(config)
    state = begin(domain, schedule, objective, Training.model_validate(config["training"]), device)
    _check_data(config.get("data", {}), state.data)
    state.network.load_state_dict(stored.below("network."))
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
    state.step, state.seconds = int(config["step"]), float(config.get("seconds", 0.0))
    return state


def _check_data(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses other data; trainings of before data had a fingerprint go on."""
    changed = [
        f"{name} {_shown(then[name])} then, {_shown(now.get(name))} now" for name in then if now.get(name) != then[name]
    ]
    if changed:
        raise UserError(
            f"the data are not those that this training began with: {'; '.join(changed)}. "
            "Bring those back, or begin another training with --from"
        )


def _shown(fact: Any) -> str:
    """A fact in short: of a digest the beginning."""
    text = str(fact)
    return text[:8] if re.fullmatch("[0-9a-f]{32,}", text) else text


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Gives moments the memory order of their weights, which a file does not keep: fused kernels go by address."""
    for weight, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                moments[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
