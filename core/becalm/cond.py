"""Conditions are opaque to core, but a batch of them must be cut and joined along its samples.

A condition is None, a tensor (B, ...), or a tuple, dict or dataclass of these. A plugin with anything else (a graph)
gives it the two methods ``take(index)`` and, as a class method, ``join(conds)``. Where samples are of several rows, the
condition has them in ``owner`` (the segment ids of PyTorch, ``batch`` of PyTorch Geometric).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from becalm.errors import UserError

C = TypeVar("C")


def take(cond: C, index: Tensor) -> C:
    """The conditions of the samples in ``index``, (n,) integers, repeats allowed."""
    if hasattr(cond, "take") and not isinstance(cond, Tensor):
        return cast(C, cond.take(index))
    return cast(C, each(lambda tensor: tensor.index_select(0, index), cond))


def join(conds: Sequence[C]) -> C:
    """One batch of conditions after another."""
    first: Any = conds[0]
    if hasattr(first, "take") and not isinstance(first, Tensor):  # Not "join": texts have that.
        return cast(C, type(first).join(conds))
    return cast(C, each(_cat, *conds))


def to(cond: C, device: torch.device | str) -> C:
    """The condition on another device; the host does not wait for the copy to a GPU."""
    if hasattr(cond, "to") and not isinstance(cond, Tensor):
        return cast(C, cond.to(device))
    return cast(C, each(lambda tensor: _to(tensor, torch.device(device)), cond))


def _to(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        tensor = tensor.clone()  # Guidance derives what it has a part in.
    if tensor.device.type != "cpu":
        return tensor.to(device)
    # From pages that the system may move, a GPU would copy only while the host waits.
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def size(cond: object) -> int | None:
    """How many samples a condition is of; None if that is not to be seen."""
    return next(_sizes(cond), None)


def check(cond: object, count: int) -> None:
    """Refuses a condition that is not of so many samples, in all of its parts: torch would broadcast it in silence.

    Raises:
        UserError: If so.
    """
    for found in _sizes(cond):
        if found != count:
            raise UserError(f"a condition must have one entry for each of {count} samples, got {found}{_shapes(cond)}")


def _sizes(cond: object) -> Iterator[int]:
    if isinstance(cond, Tensor):
        yield len(cond) if cond.dim() else 1
        return
    if isinstance(found := getattr(cond, "size", None), int):
        yield found
        return
    parts: Any = ()
    if dataclasses.is_dataclass(cond) and not isinstance(cond, type):
        parts = [getattr(cond, field.name) for field in dataclasses.fields(cond)]
    elif isinstance(cond, dict):
        parts = cond.values()
    elif isinstance(cond, tuple):
        parts = cond
    for part in parts:
        yield from _sizes(part)


def _shapes(cond: object) -> str:
    return f" in a tensor of shape {tuple(cond.shape)}" if isinstance(cond, Tensor) else ""


def owner_of(cond: object) -> Tensor | None:
    """The sample of each row of x, (N,), if the condition is one of ragged samples, which has it as ``owner``."""
    owner = getattr(cond, "owner", None)
    return owner if isinstance(owner, Tensor) else None


def _cat(*tensors: Tensor) -> Tensor:
    first = tensors[0]
    for other in tensors[1:]:
        if other.shape[1:] != first.shape[1:]:
            raise UserError(
                f"conditions to be joined must be of one shape, got {tuple(first.shape)} and {tuple(other.shape)}"
            )
    return torch.cat(tensors)


def each(function: Any, *conds: Any) -> Any:
    """A function of the tensors in conditions of one structure, and the structure with its results."""
    first = conds[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return function(*conds)
    if isinstance(first, dict):
        return {key: each(function, *(cond[key] for cond in conds)) for key in first}
    if isinstance(first, tuple):
        values = [each(function, *parts) for parts in zip(*conds, strict=True)]
        return type(first)(*values) if hasattr(first, "_fields") else tuple(values)
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in dataclasses.fields(first)]
        return type(first)(**{name: each(function, *(getattr(cond, name) for cond in conds)) for name in names})
    raise TypeError(
        f"a condition must be None, a tensor, a tuple, dict or dataclass of these, or have take and join; "
        f"got {type(first).__name__}"
    )
