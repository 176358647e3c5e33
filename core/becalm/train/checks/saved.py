"""Whether a resume state fits the training that its settings describe, asked before any of its tensors is used.

A fused optimiser goes by the size of its weights, so moments of another size are memory that is not its own.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import torch
from torch import Tensor

from becalm.errors import shown
from becalm.train.muon import Muon
from becalm.train.state import TrainState

_MOMENT = re.compile(r"optimizer\.(\d{1,4})\.(\d{1,9})\.(\w+)")


class UnfitError(ValueError):
    """What of a resume state is none of a training's, in words that go on the name of its file."""


def check_header(config: Mapping[str, Any]) -> None:
    """Refuses a step, a time or facts of data that no training has.

    Raises:
        UnfitError: If there is one.
    """
    step, training = config.get("step"), config.get("training")
    if not _is_whole(step) or step < 0:
        raise UnfitError(f"step must be a whole number of at least 0, got {shown(step)}")
    if not isinstance(training, Mapping):
        raise UnfitError(f"training must be a table of settings, got {shown(training)}")
    steps = training.get("steps")
    if _is_whole(steps) and step > steps:
        raise UnfitError(f"step must be at most the {steps} steps of the training, got {step}")
    seconds = config.get("seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise UnfitError(f"seconds must be a number of at least 0, got {shown(seconds)}")
    for name in ("data", "bits"):
        if not isinstance(config.get(name, {}), Mapping):
            raise UnfitError(f"{name} must be a table, got {shown(config[name])}")


def check_saved(tensors: Mapping[str, Tensor], state: TrainState[Any], step: int) -> None:
    """Refuses tensors that are not those of a training after ``step`` steps.

    Args:
        state: The training at its beginning, with its optimisers.

    Raises:
        UnfitError: If one is missing, unknown, of another shape or dtype, not finite, or out of its range.
    """
    fixed = _fixed(state)
    moments: dict[tuple[int, int], dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if found := _MOMENT.fullmatch(name):
            moments.setdefault((int(found[1]), int(found[2])), {})[found[3]] = tensor
        elif name not in fixed:
            raise UnfitError(f"tensor {name!r} is none of this training's")
    for name, like in fixed.items():
        if name not in tensors:
            raise UnfitError(f"tensor {name!r} is missing")
        _check(name, tensors[name], like)
    if bool((tensors["history"] < 0).any()):
        raise UnfitError("tensor 'history' must be of numbers of at least 0")
    _check_moments(moments, tensors, state, step)


def _fixed(state: TrainState[Any]) -> dict[str, Tensor]:
    """The tensors that a training has from its first step on."""
    fixed = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    fixed |= {f"average.{name}": value for name, value in state.average.items()}
    if isinstance(state.codec, torch.nn.Module):
        fixed |= {f"codec.{name}": value for name, value in state.codec.state_dict().items()}
    for prefix, network in (("teacher", state.teacher), ("critic", state.critic)):
        if network is not None:
            fixed |= {f"{prefix}.{name}": value for name, value in network.state_dict().items()}
    return {**fixed, "history": state.history}


def _check_moments(
    moments: dict[tuple[int, int], dict[str, Tensor]], tensors: Mapping[str, Tensor], state: TrainState[Any], step: int
) -> None:
    # Two tensors each, the same as long as the weight has not moved.
    names = {id(weight): (f"network.{name}", f"average.{name}") for name, weight in state.weights().items()}
    names |= {id(weight): (f"critic.{name}", f"teacher.{name}") for name, weight in state.critics().items()}
    for rank, optimizer in enumerate(state.optimizers):
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        for number, weight in enumerate(weights):
            (name, still), kept = names[id(weight)], moments.pop((rank, number), None)
            if kept is None:
                # A weight that no loss depends on has none. It never moves, nor does its average.
                if step and not torch.equal(tensors[name], tensors[still]):
                    raise UnfitError(f"tensors 'optimizer.{rank}.{number}.*', the moments of {name}, are missing")
                continue
            _check_weight(f"optimizer.{rank}.{number}", kept, weight, step, muon=isinstance(optimizer, Muon))
    for rank, number in moments:
        raise UnfitError(f"tensors 'optimizer.{rank}.{number}.*' are of no weight of this training")


def _check_weight(prefix: str, kept: Mapping[str, Tensor], weight: Tensor, step: int, *, muon: bool) -> None:
    """The moments of one weight."""
    known = ("momentum",) if muon else ("exp_avg", "exp_avg_sq", "step")
    for name in {**dict.fromkeys(known), **kept}:
        full = f"{prefix}.{name}"
        if name not in kept:
            raise UnfitError(f"tensor {full!r} is missing")
        if name not in known:
            raise UnfitError(f"tensor {full!r} is none of this training's")
        if name == "step":
            _check(full, kept[name], torch.zeros((), dtype=torch.float32))
            count = float(kept[name])
            if count != round(count) or not 1 <= count <= step:
                raise UnfitError(f"tensor {full!r} must be a step from 1 to {step}, got {count:g}")
        else:
            _check(full, kept[name], torch.zeros_like(weight))
            if name == "exp_avg_sq" and bool((kept[name] < 0).any()):
                raise UnfitError(f"tensor {full!r} must be of numbers of at least 0")


def _check(name: str, tensor: Tensor, like: Tensor) -> None:
    """Refuses another shape or dtype, and what is not finite where ``like`` is: a mask may hold infinity."""
    if tensor.shape != like.shape or tensor.dtype != like.dtype:
        want, got = (f"{one.dtype} {tuple(one.shape)}" for one in (like, tensor))
        raise UnfitError(f"tensor {name!r} must be {want}, got {got}".replace("torch.", ""))
    if _is_finite(like) and not _is_finite(tensor):
        raise UnfitError(f"tensor {name!r} must be finite, got NaN or infinity")


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
