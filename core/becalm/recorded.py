"""Functions recorded as CUDA graphs and replayed: a CPU launches the thousand small kernels of a step, one by one, more
slowly than a GPU runs them.

What such a function reads is copied to where the recorded one found it. The first calls, arguments of other shapes,
conditions that are no plain tensors, and whatever cannot be recorded run as they are.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from becalm.cond import each
from becalm.errors import first_line

Result = tuple[Tensor, ...]
Record = Callable[[Callable[[], Result]], Callable[[], Result]]
"""Makes of a function one that does the same again on the same memory, without doing it."""

_FIRST = 3
"""Calls that are run as they are, in which libraries choose their kernels and optimisers make their moments."""


class Recorded:
    """A function of tensors on one device, recorded where that is possible.

    Args:
        function: Gets what ``__call__`` gets; returns tensors.
        record: See ``Record``; None for none.
        prepare: Called with True before a recording, with False if it fails.
    """

    def __init__(
        self,
        function: Callable[..., Result],
        device: torch.device,
        record: Record | None,
        prepare: Callable[[bool], None] = lambda recorded: None,
    ) -> None:
        self._function, self._device, self._record, self._prepare = function, device, record, prepare
        self._form: object = None
        self._seen = 0
        self._replay: Callable[[], Result] | None = None

    def __call__(self, fixed: object, *arguments: Any) -> Result:
        """The function's result.

        Args:
            fixed: What the recorded call must have in common with this one.
            arguments: Conditions (see ``becalm.cond``) of tensors on the device, and numbers; these are 0-dim tensors
                where the function is recorded.
        """
        if self._record is None:
            return self._function(fixed, *arguments)
        form = _form(fixed, arguments, self._device)
        if form is not None and self._replay is None:
            self._seen = self._seen + 1 if form == self._form else 1
            self._form = form
            if self._seen <= _FIRST:
                with _aside(self._device):
                    return self._function(fixed, *arguments)
            self._begin(self._record, fixed, arguments)
        if self._replay is None or form != self._form:
            return self._function(fixed, *arguments)
        for own, argument in zip(self._own, arguments, strict=True):
            if isinstance(argument, (int, float)):
                own.fill_(argument)
            else:
                each(Tensor.copy_, own, argument)
        return tuple(result.clone() for result in self._replay())

    def _begin(self, record: Record, fixed: object, arguments: tuple[Any, ...]) -> None:
        """Records a call on tensors of its own."""
        own = self._own = [self._copy(argument) for argument in arguments]
        self._prepare(True)
        try:
            self._replay = record(lambda: self._function(fixed, *own))
        except RuntimeError as error:
            self._prepare(False)
            self._record = None
            warnings.warn(f"no CUDA graph of a training step, which is slower: {first_line(error)}", stacklevel=3)

    def _copy(self, argument: Any) -> Any:
        if isinstance(argument, (int, float)):
            return torch.tensor(argument, device=self._device)
        return each(torch.clone, argument)


def _form(fixed: object, arguments: tuple[Any, ...], device: torch.device) -> object:
    """What two calls must have in common to be one recording; None if a call cannot be recorded."""
    found: list[object] = [fixed]

    def note(tensor: Tensor) -> Tensor:
        found.append((tensor.shape, tensor.stride(), tensor.dtype) if tensor.device.type == device.type else None)
        return tensor

    for argument in arguments:
        if isinstance(argument, (int, float)):
            found.append(type(argument))
            continue
        try:
            each(note, argument)
        except TypeError:
            return None
    return None if None in found[1:] else tuple(found)


@contextlib.contextmanager
def _aside(device: torch.device) -> Iterator[None]:
    """On another stream than the usual one, as CUDA wants it before a recording."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


def cuda_graph(function: Callable[[], Result]) -> Callable[[], Result]:
    """A function recorded as a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        results = function()

    def replay() -> Result:
        graph.replay()
        return results

    return replay
