"""What a policy remembers of the environments that it acts in: the last observations, noise used, chunks in use."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from becalm_policies.control.given import Mask
from becalm_policies.control.join import Previous
from becalm_policies.control.planner import Planner
from becalm_policies.control.tracks.plan import Actions, Ask, Plan, Start, among
from becalm_policies.demonstrations.episodes import Array, Indices
from becalm_policies.demonstrations.frames import Pixels


class Track(Protocol):
    """Where the actions of ``count`` environments come from."""

    def forget(self, mask: Mask) -> None: ...

    def act(self, live: Mask | None, ask: Ask, age: int) -> tuple[Actions, Indices]: ...


class Memory:
    """Row b is environment ``numbers[b]``.

    Args:
        start: Has a chunk planned.
        idle: (A,) the action of who has done nothing yet.
    """

    def __init__(self, planner: Planner, track: Track, start: Start, numbers: Indices, idle: Actions) -> None:
        domain, count = planner.domain, len(numbers)
        self._planner, self._track, self._start = planner, track, start
        self.numbers = numbers.copy()
        self._chunks = np.zeros(count, np.int64)
        self._seen: Array = np.zeros((count, planner.sees, domain.observation_size))
        frames = (count, domain.vision.frames)
        self._pictures = {name: np.zeros((*frames, *size, 3), np.uint8) for name, size in domain.sizes.items()}
        self._marks = np.zeros((3, count), bool)
        # Who has seen nothing yet; whose next observation is the old episode's last; whose may be.
        self._fresh, self._leaving, self._unsure = self._marks
        self._fresh[:] = True
        self._acted: Actions = np.broadcast_to(idle, (count, len(idle))).copy()
        self._marked = True

    def forget(self, mask: Mask, *, leaving: bool = False, unsure: bool = False) -> None:
        """Those rows begin anew, further along their noise.

        Args:
            leaving: Their next observation is the old episode's last. unsure: It may be.
        """
        self._fresh |= mask
        self._leaving[mask], self._unsure[mask] = leaving, unsure
        self._track.forget(mask)
        self._marked = True

    def renumber(self, mask: Mask, numbers: Indices) -> None:
        """Those rows take other streams of noise, from their beginning."""
        self.numbers[mask] = numbers[mask]
        self._chunks[mask] = 0

    def act(self, observations: Array, pictures: Mapping[str, Pixels], age: int = 0) -> Actions:
        """The actions (B, A) for observations (B, D) and pictures (B, H, W, 3) of ``age`` steps ago.

        Nothing changes if planning fails.
        """
        seen = self._next(self._seen, observations)
        looked = {name: self._next(self._pictures[name], new) for name, new in pictures.items()}
        live = ~self._leaving if self._marked else None

        def ask(rows: Indices, previous: Previous | None) -> Plan:
            pick = among(rows, len(seen))
            windows, numbers, chunks = seen[pick], self.numbers[pick].copy(), self._chunks[pick].copy()
            shown = {name: each[pick] for name, each in looked.items()}
            return self._start(lambda: self._planner(windows, numbers, chunks, previous, shown))

        actions, planned = self._track.act(live, ask, age)
        self._chunks[among(planned, len(seen))] += 1
        self._seen, self._pictures = seen, looked
        if self._marked:
            self._begin(actions)
        self._acted = actions
        return actions.copy()

    def _next(self, before: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What was seen last, with what is new; the first of an episode counts as all before it."""
        seen = np.concatenate([before[:, 1:], new[:, None]], axis=1)
        if self._marked:
            np.copyto(seen, new[:, None], where=self._fresh.reshape(-1, *(1 for _ in new.shape)))
        return seen

    def _begin(self, actions: Actions) -> None:
        """After the first step of an episode in some rows: who was between two episodes has seen nothing yet."""
        np.copyto(actions, self._acted, where=self._leaving[:, None])
        between = self._leaving | self._unsure
        self._chunks -= self._unsure
        self._marks[:] = False
        self._marked = False
        if between.any():
            self.forget(between)
