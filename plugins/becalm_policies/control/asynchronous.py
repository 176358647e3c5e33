"""A policy in real time: the next chunk is planned in a thread while the last one is executed.

    with Asynchronous(becalm_policies.load("pusht", delay=2)) as policy:
        policy.reset()
        while running:
            robot.do(policy.act(robot.observe()))   # every 1 / rate seconds

``act`` waits for the first chunk of an episode and for no other. A chunk that is there within the policy's delay takes
over when the delay ends, so the actions are those of the policy itself, which plans at once and waits; one that comes
later takes over when it comes, at the action whose time it is then.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, shown
from becalm_policies.control.given import Autoreset
from becalm_policies.control.policy import Policy


class Asynchronous:
    """A policy whose chunks are planned in a thread of its own; close it, or use it as a context.

    Args:
        policy: What plans, with its delay: as many control steps as planning takes at most, or a few more.
        rate: Control steps per second, by which an observation's age is told; default: the policy's own.
        clock: Seconds, as ``time.monotonic``.

    Raises:
        UserError: If the policy plans at every step, or the rate is not above 0.
    """

    def __init__(
        self, policy: Policy, *, rate: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if policy.execution.ensemble is not None:
            raise UserError("an ensemble needs a chunk at every step, so it cannot be planned meanwhile: leave it out")
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise UserError(f"rate must be control steps per second, above 0, got {rate}")
        self._rate = rate or policy.domain.rate or None
        self._clock = clock
        self._threads = ThreadPoolExecutor(1, "becalm-plan")
        self._closed = False
        self.policy = policy.planned_by(self._threads.submit)

    def reset(
        self,
        mask: npt.ArrayLike | None = None,
        *,
        numbers: npt.ArrayLike | None = None,
        autoreset: Autoreset | None = None,
    ) -> None:
        """As ``Policy.reset``; what is still being planned for an old episode is never executed."""
        self.policy.reset(mask, numbers=numbers, autoreset=autoreset)

    def act(self, observation: Any, time: float | None = None) -> npt.NDArray[np.float32]:
        """The action for now, as ``Policy.act``.

        Args:
            time: When the observation was made, in seconds of the clock; default: now.

        Raises:
            UserError: As ``Policy.act``; if the time is not finite, lies ahead, or longer ago than a chunk lasts; if a
                chunk could not be planned; or if this is closed.
        """
        if self._closed:
            raise UserError("this policy is closed: make another")
        return self.policy.act(observation, age=0 if time is None else self._age(time))

    def close(self) -> None:
        """Ends the thread, after the chunk that it is planning."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _age(self, made: float) -> int:
        """Control steps since a time."""
        if self._rate is None:
            raise UserError("an observation's age is told by the control rate, and this policy knows none: give a rate")
        seconds = self._clock() - made
        if not math.isfinite(seconds) or seconds < 0:
            raise UserError(f"time must be when the observation was made, on the policy's clock, got {shown(made)}")
        return round(seconds * self._rate)
