"""How long a policy takes, and how often it calls its network."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm_policies.control.policy import Policy
from becalm_policies.rollouts.estimates import percentiles

_CHUNKS = 25
_WARM = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Of a policy that acts in one environment.

    Attributes:
        calls: Network calls per chunk; a call of twice the batch, as guidance makes, is one.
        chunk: p50 and p95 of an ``act`` that plans, milliseconds.
        step: The same of all ``act``, that is per control step.
    """

    calls: float
    chunk: tuple[float, float]
    step: tuple[float, float]


def measure(policy: Policy, observation: npt.ArrayLike, chunks: int = _CHUNKS) -> Latency:
    """Acts on one observation again and again, after a few chunks to warm up."""
    policy, count = policy.alone(), 0

    def count_call(module: Any, inputs: Any) -> None:
        nonlocal count
        count += 1

    each = policy.execute
    policy.reset(numbers=[0])
    for _ in range(_WARM * each):
        policy.act(observation)
    hook = policy.model.network.register_forward_pre_hook(count_call)
    for _ in range(2 * each):
        policy.act(observation)
    hook.remove()
    seconds = []
    for _ in range(chunks * each):
        start = time.perf_counter()
        policy.act(observation)
        seconds.append(time.perf_counter() - start)
    # With a forecast the second chunk is asked for early, and with it all that follow.
    planned = seconds[policy.timing.second % each :: each]
    return Latency(count / 2, percentiles(planned), percentiles(seconds))


class Timed:
    """A policy whose ``act`` is timed, for a rollout."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.seconds: list[float] = []

    def reset(self, *, numbers: Any) -> None:
        """As the policy's."""
        self._policy.reset(numbers=numbers)

    def act(self, observation: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """As the policy's."""
        start = time.perf_counter()
        action = self._policy.act(observation)
        self.seconds.append(time.perf_counter() - start)
        return action
