"""When chunks are planned and executed, in control steps.

    step       k              k + d                k + d + Ta - 1
    observed   o[k]
    executed   ... of before  a[d] of o[k]'s chunk  ...  a[d + Ta - 1]

A chunk is planned for the observation of step k. It takes over ``delay`` = d steps later; until then what was planned
before goes on. A chunk is asked for every Ta steps. Where nothing is left to execute, the last action is held.

With a forecast the chunk is planned for the observation foretold of step k + d, and executed from its beginning:

    foretold     o[k + d]              o[k + d] from o[k], a[k] ... a[k + d - 1], which are executed until then
    executed     a[0] of its chunk ... a[Ta - 1]
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
        execute: Ta, steps from one observation that is planned for to the next.
        delay: d, steps from an observation to the first action that is executed of its chunk.
        skip: Which action that is, counted from the observation that is planned for on.
        lead: Steps from an observation to that which is planned for: the delay with a forecast, else 0.
    """

    history: int
    ahead: int
    execute: int
    delay: int
    skip: int
    lead: int = 0

    @classmethod
    def of(cls, domain: Policies, execution: Execution) -> "Timing":
        """The steps of a domain's policies under an execution.

        Raises:
            UserError: If a chunk is too short for it.
        """
        ahead = domain.horizon - domain.history + 1
        execute, delay = execution.execute or domain.execute, execution.delay
        lead = 0 if execution.forecast is None else delay
        skip = delay - lead if execution.skip is None else execution.skip
        if execute > ahead:
            raise UserError(f"execute must be at most horizon - history + 1 = {ahead}, got {execute}")
        if delay >= ahead:
            raise UserError(f"delay must be below horizon - history + 1 = {ahead}, got {delay}")
        if skip > delay - lead:
            most = f"delay = {delay}" if not lead else "0 with a forecast, whose chunks begin in time"
            raise UserError(f"skip must be at most {most}, got {skip}")
        return cls(domain.history, ahead, execute, delay, skip, lead)

    @property
    def first(self) -> int:
        """The chunk's entry that belongs to its newest observation."""
        return self.history - 1

    @property
    def second(self) -> int:
        """When an episode's second chunk is asked for: with a forecast so that it takes over as if without a delay."""
        return max(self.execute - self.lead, 1)
