"""A network from a stranger's configuration: without memory first, and only as large as the file's tensors.

Settings say how large a network is, a file what it holds. So the network is built on the device ``meta``, which gives
no memory, and building ends as soon as there are more weights or modules than the file accounts for; names, shapes and
kinds are compared, and only then is it built.
"""

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from becalm.errors import PluginError, UserError, first_line

M = TypeVar("M")
# A network may put a weight in another's place, and has modules without weights: room for that, not for a bomb.
_TENSORS, _NUMBERS, _MODULES = 1_000, 2**24, 10_000
_SECONDS = 20.0
"""Of this thread's processor time: on a busy machine a network that takes a moment to build may take a minute."""


class _TooLargeError(Exception):
    """More than the file's tensors account for."""


def fitted(make: Callable[[], M], tensors: Mapping[str, Tensor]) -> M:
    """What ``make`` makes, with these tensors as its weights if it is a module; another object as it is.

    Args:
        make: Makes it from settings of the file that the tensors are of.
        tensors: By name, in any precision.

    Raises:
        UserError: If it cannot be made, or the tensors are not its own: other names, shapes or kinds, or not finite.
            The sentence begins with what is wrong with the checkpoint.
    """
    draft = _draft(make, tensors)
    if isinstance(draft, nn.Module):
        compare(draft, tensors)
    made = _made(make, tensors)
    if isinstance(made, nn.Module):
        load(made, tensors)
    return made


def check_size(make: Callable[[], object], tensors: Mapping[str, Tensor]) -> None:
    """Refuses settings that make nothing, or a network much larger than tensors; names and shapes are not compared.

    Raises:
        UserError: As ``fitted``.
    """
    if _draft(make, tensors) is None:
        _made(make, tensors)


def load(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Loads tensors into a module, in the module's dtypes; a codec without tensors takes none.

    Raises:
        UserError: If they are not the module's tensors, or not finite.
    """
    compare(module, tensors)
    if not module.state_dict():
        return
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise UserError(f"the checkpoint's tensors do not fit its own configuration: {detail}") from error


def compare(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Compares tensors with a module's, which may have no memory; with those of a module without tensors, none are.

    Raises:
        UserError: If names, shapes or kinds differ, or a tensor is not finite.
    """
    weights = dict(module.named_parameters(remove_duplicate=False))
    own = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    for name in sorted(own.keys() ^ tensors.keys()) if own else ():
        state = "is missing" if name in own else "is none of the network's"
        raise UserError(f"the checkpoint's tensors do not fit its own configuration: {name} {state}")
    for name, mine in own.items():
        theirs = tensors[name]
        if mine.shape != theirs.shape:
            shapes = f"{name} is {tuple(theirs.shape)} and must be {tuple(mine.shape)}"
            raise UserError(f"the checkpoint's tensors do not fit its own configuration: {shapes}")
        if kind(mine) != kind(theirs):
            raise UserError(
                f"the checkpoint's weights are of another kind: {name} must hold {kind(mine)}, got "
                f"{str(theirs.dtype).removeprefix('torch.')}"
            )
        # A buffer may hold infinity from the beginning, as a mask does; without memory that is not known.
        if name in weights or not (mine.is_meta or _has_infinity(mine)):
            check_finite(name, theirs)


def check_finite(name: str, value: Tensor) -> None:
    """Checks a tensor of a file.

    Raises:
        UserError: If it has NaN or infinity in it.
    """
    if _has_infinity(value):
        raise UserError(f"the checkpoint's weights are not finite: {name} has NaN or infinity in it")


def _has_infinity(value: Tensor) -> bool:
    if value.dtype.itemsize == 1 and value.is_floating_point():  # Of eight bits nothing is computed.
        value = value.float()
    return (value.is_floating_point() or value.is_complex()) and not bool(torch.isfinite(value).all())


def kind(value: Tensor) -> str:
    """What a tensor holds, whatever its precision."""
    if value.is_complex():
        return "complex numbers"
    return "floats" if value.is_floating_point() else "truth values" if value.dtype == torch.bool else "integers"


def _draft(make: Callable[[], M], tensors: Mapping[str, Tensor]) -> M | None:
    """It without memory; None where it cannot be made so, as when a number is read off a tensor."""
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "for .*: copying from a non-meta parameter")
            return _made(make, tensors)
    except UserError as error:
        if isinstance(error.__cause__, NotImplementedError | RuntimeError):
            return None
        raise


def _made(make: Callable[[], M], tensors: Mapping[str, Tensor]) -> M:
    try:
        with _bounded(tensors):
            return make()
    except (UserError, PluginError):
        raise
    except _TooLargeError as error:
        raise UserError(
            "the checkpoint's tensors do not fit its own configuration: that is of a network much larger than they are"
        ) from error
    except Exception as error:  # Settings that no network was ever built with lead to anything at all.
        said = f"{type(error).__name__}: {first_line(error)}"
        raise UserError(f"the checkpoint's configuration makes no network: {said}") from error


@contextmanager
def _bounded(tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Ends building, in this thread, when it comes to more than tensors account for."""
    thread, until = threading.get_ident(), time.thread_time() + _SECONDS
    counts = _TENSORS + 4 * len(tensors)
    left = {
        "tensors": counts,
        "numbers": _NUMBERS + 4 * sum(value.numel() for value in tensors.values()),
        "modules": _MODULES + 16 * counts,
    }

    def count(what: str, number: int) -> None:
        left[what] -= number
        if left[what] < 0 or time.thread_time() > until:
            raise _TooLargeError

    def tensor(module: nn.Module, name: str, value: Tensor | None) -> None:
        if value is not None and threading.get_ident() == thread:
            count("tensors", 1)
            if not torch.nn.parameter.is_lazy(value):
                count("numbers", value.numel())

    def inner(module: nn.Module, name: str, value: nn.Module | None) -> None:
        if threading.get_ident() == thread:
            count("modules", 1)

    hooks = (
        register_module_parameter_registration_hook(tensor),
        register_module_buffer_registration_hook(tensor),
        register_module_module_registration_hook(inner),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
