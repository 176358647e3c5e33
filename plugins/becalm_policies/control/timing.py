"""When chunks are planned and executed, in control steps.

    step       k              k + d                 k + d + Ta - 1
    observed   o[k]
    executed   ... of before  a[d] of o[k]'s chunk  ...  a[d + Ta - 1]

A chunk is planned for the observation of step k. It takes over ``delay`` = d steps later; until then the one before it
goes on. The next one is planned Ta steps after k, or d if that is more: one is on its way at a time. Where a chunk has
no action left, its last is held.
"""

from dataclasses import dataclass

from becalm.errors import UserError
from becalm_policies.control.execution import Execution
from becalm_policies.domain import Policies


@dataclass(frozen=True, slots=True)
class Timing:
    """The steps of a policy.

    Attributes:
        history: To, observations that a chunk is planned from.
        ahead: Actions of a chunk from its newest observation on.
        execute: Steps from one observation that is planned for to the next.
        delay: Steps from an observation to the first action that is executed of its chunk.
    """

    history: int
    ahead: int
    execute: int
    delay: int

    @classmethod
    def of(cls, domain: Policies, execution: Execution) -> "Timing":
        """The steps of a domain's policies under an execution.

        Raises:
            UserError: If a chunk is too short for it.
        """
        ahead = domain.horizon - domain.history + 1
        execute = execution.execute or domain.execute
        if execute > ahead:
            raise UserError(f"execute must be at most horizon - history + 1 = {ahead}, got {execute}")
        if execution.delay >= ahead:
            raise UserError(f"delay must be below horizon - history + 1 = {ahead}, got {execution.delay}")
        return cls(domain.history, ahead, max(execute, execution.delay), execution.delay)

    @property
    def first(self) -> int:
        """The chunk's entry that belongs to its newest observation."""
        return self.history - 1
