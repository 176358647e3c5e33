"""Steps recorded as one CUDA graph and replayed: a CPU launches the thousand small kernels of a step, one by one, more
slowly than a GPU runs them.

What a step reads (batch, its number, learning rate) is copied to where the recorded step found it. The first steps,
batches of other shapes, conditions that are no plain tensors, and whatever cannot be recorded run as they are.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import each
from becalm.errors import first_line
from becalm.train.arithmetic import seeded
from becalm.train.state import TrainState
from becalm.train.step import Part, advance

C = TypeVar("C")

Result = tuple[Tensor, Tensor]
Record = Callable[[Callable[[], Result]], Callable[[], Result]]
"""Makes of a function one that does the same again on the same memory, without doing it."""

_FIRST = 3
"""Steps that are run as they are, in which libraries choose their kernels and optimisers make their moments."""


def recording(state: TrainState[Any]) -> Record | None:
    """How the steps of a training are recorded; None where they are not."""
    return _cuda_graph if state.training.graph and state.device.type == "cuda" else None


class Stepper(Generic[C]):
    """``advance``, recorded where that is possible.

    Args:
        record: See ``Record``; None for none.
    """

    def __init__(self, state: TrainState[C], network: nn.Module, record: Record | None) -> None:
        self._state, self._network, self._record = state, network, record
        self._form: object = None
        self._seen = 0
        self._replay: Callable[[], Result] | None = None

    def __call__(self, parts: Sequence[Part[C]], rate: float, share: float) -> Result:
        """The loss and the gradient's norm, see ``advance``."""
        form = None if self._record is None else _form(parts, self._state.device)
        if self._record is not None and form is not None and self._replay is None:
            self._seen = self._seen + 1 if form == self._form else 1
            self._form = form
            if self._seen <= _FIRST:
                with _aside(self._state.device):
                    return advance(self._state, self._network, parts, rate, share)
            self._begin(parts, self._record)
        if self._replay is None or form != self._form:
            return advance(self._state, self._network, parts, rate, share)
        self._load(parts, rate, share)
        with seeded(self._state.training.seed, int(parts[0].number), self._state.device):
            loss, norm = self._replay()
        return loss.clone(), norm.clone()

    def _begin(self, parts: Sequence[Part[C]], record: Record) -> None:
        """Records a step on tensors of its own."""
        state = self._state
        self._rate, self._share = (torch.zeros((), device=state.device) for _ in range(2))
        self._parts = [self._own(part.batch) for part in parts]
        _set_capturable(state, True)
        try:
            self._replay = record(lambda: advance(state, self._network, self._parts, self._rate, self._share))
        except RuntimeError as error:
            _set_capturable(state, False)
            state.network.zero_grad(set_to_none=True)
            self._record = None
            warnings.warn(f"no CUDA graph of a training step, which is slower: {first_line(error)}", stacklevel=2)

    def _own(self, batch: Batch[C]) -> Part[C]:
        x0, cond, owner = each(torch.clone, _tensors(batch))
        number = torch.zeros((), dtype=torch.long, device=self._state.device)
        return Part(Batch(x0, cond, owner, batch.size), number)

    def _load(self, parts: Sequence[Part[C]], rate: float, share: float) -> None:
        for own, part in zip(self._parts, parts, strict=True):
            each(Tensor.copy_, _tensors(own.batch), _tensors(part.batch))
            torch.as_tensor(own.number).fill_(part.number)
        self._rate.fill_(rate)
        self._share.fill_(share)


def _set_capturable(state: TrainState[Any], value: bool) -> None:
    """Tells torch's optimisers, which ask."""
    for group in (group for optimizer in state.optimizers for group in optimizer.param_groups):
        if "capturable" in group:
            group["capturable"] = value


def _tensors(batch: Batch[C]) -> tuple[Any, ...]:
    return batch.x0, batch.cond, batch.owner


def _form(parts: Sequence[Part[C]], device: torch.device) -> object:
    """What two steps must have in common to be one recording; None if a step cannot be recorded."""
    found: list[object] = []

    def note(tensor: Tensor) -> Tensor:
        found.append((tensor.shape, tensor.stride(), tensor.dtype) if tensor.device.type == device.type else None)
        return tensor

    for part in parts:
        if hasattr(part.batch.cond, "take") and not isinstance(part.batch.cond, Tensor):
            return None
        each(note, _tensors(part.batch))
    return None if None in found else tuple(found)


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


def _cuda_graph(function: Callable[[], Result]) -> Callable[[], Result]:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        results = function()

    def replay() -> Result:
        graph.replay()
        return results

    return replay
