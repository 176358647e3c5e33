"""A lock that is fair: one job computes at a time, a step each, in the order in which they ask."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK = 0.1


class FairLock:
    """A lock that is given out in the order of asking: nobody waits for longer than a step of each other job."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked: deque[object] = deque()

    @contextmanager
    def hold(self, given_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Waits for a turn and holds it for the block; yields whether it was had, or given up on while waiting."""
        ticket = object()
        with self._changed:
            self._asked.append(ticket)
            while self._asked[0] is not ticket and not given_up():
                self._changed.wait(_LOOK)
            mine = self._asked[0] is ticket
        try:
            yield mine
        finally:
            with self._changed:
                self._asked.remove(ticket)
                self._changed.notify_all()
