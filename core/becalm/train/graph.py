"""Training steps recorded as one CUDA graph, see ``becalm.recorded``."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from becalm.batch import Batch
from becalm.recorded import Record, Recorded, cuda_graph
from becalm.train.arithmetic import seeded
from becalm.train.state import TrainState
from becalm.train.step import Part, advance

C = TypeVar("C")


def recording(state: TrainState[Any]) -> Record | None:
    """How the steps of a training are recorded; None where they are not."""
    return cuda_graph if state.training.graph and state.device.type == "cuda" else None


class Stepper(Generic[C]):
    """``advance``, recorded where that is possible.

    Args:
        record: See ``Record``; None for none.
    """

    def __init__(self, state: TrainState[C], network: nn.Module, record: Record | None) -> None:
        self._state, self._network, self._plain = state, network, record is None
        self._recorded = Recorded(self._advance, state.device, record, self._prepare)

    def __call__(self, parts: Sequence[Part[C]], rate: float, share: float) -> tuple[Tensor, Tensor]:
        """The loss and the gradient's norm, see ``advance``."""
        batches = [part.batch for part in parts]
        if self._plain or any(_own_kind(batch.cond) for batch in batches):
            return advance(self._state, self._network, parts, rate, share)
        tensors = tuple((batch.x0, batch.cond, batch.owner) for batch in batches)
        sizes = tuple(batch.size for batch in batches)
        with seeded(self._state.training.seed, int(parts[0].number), self._state.device):
            loss, norm = self._recorded(sizes, tensors, rate, share, *(part.number for part in parts))
        return loss, norm

    def _advance(
        self, sizes: tuple[int, ...], tensors: tuple[Any, ...], rate: Any, share: Any, *numbers: Any
    ) -> tuple[Tensor, Tensor]:
        parts: list[Part[C]] = [
            Part(Batch(x0, cond, owner, size), number)
            for (x0, cond, owner), size, number in zip(tensors, sizes, numbers, strict=True)
        ]
        return advance(self._state, self._network, parts, rate, share)

    def _prepare(self, recorded: bool) -> None:
        """Tells torch's optimisers, which ask."""
        for group in (group for optimizer in self._state.optimizers for group in optimizer.param_groups):
            if "capturable" in group:
                group["capturable"] = recorded
        if not recorded:
            self._state.zero_grad()


def _own_kind(cond: object) -> bool:
    """Whether a condition cuts itself, and may hold more than its tensors."""
    return hasattr(cond, "take") and not isinstance(cond, Tensor)
