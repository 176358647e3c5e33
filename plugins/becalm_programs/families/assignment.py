"""Generalised assignment: each job to one agent, within the agents' capacities, at least cost.

Type C of Beasley's OR-Library (Chu and Beasley 1997): loads of 5 to 25, costs of 10 to 50, capacity .8 of an agent's
even share of all its loads. Where that would leave no room, as with a handful of jobs, capacities are raised to what
one balanced assignment takes, so that every instance is feasible.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program

_TIGHTNESS = 0.8


@dataclass(frozen=True, slots=True)
class Assignment:
    """Sizes.

    Raises:
        UserError: If there is no agent or job.
    """

    agents: int
    jobs: int

    def __post_init__(self) -> None:
        if min(self.agents, self.jobs) < 1:
            raise UserError(f"an assignment must have agents and jobs, got {self}")

    def program(self, random: np.random.RandomState) -> Program:
        """One instance. Variables: x of job 0 with each agent, of job 1, ..."""
        load = random.randint(5, 26, size=(self.jobs, self.agents)).astype(np.float64)
        cost = random.randint(10, 51, size=(self.jobs, self.agents))
        capacity = np.maximum(np.floor(_TIGHTNESS * load.sum(axis=0) / self.agents), _balance(load))
        jobs = sparse.kron(sparse.eye_array(self.jobs), np.ones((1, self.agents)))
        # Entry (agent, (job, agent)) is the load of that pair.
        agents = sparse.hstack([sparse.diags_array(row) for row in load])
        return from_arrays(
            cost.ravel(),
            sparse.vstack([jobs, agents]),
            np.concatenate([np.ones(self.jobs), np.full(self.agents, -np.inf)]),
            np.concatenate([np.ones(self.jobs), capacity]),
            names=[f"x{job}_{agent}" for job in range(self.jobs) for agent in range(self.agents)],
            row_names=[f"job{job}" for job in range(self.jobs)] + [f"agent{agent}" for agent in range(self.agents)],
        )


def _balance(load: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each agent carries if the jobs go, one by one, to the one that then carries least."""
    carried = np.zeros(load.shape[1])
    for row in load:
        agent = int(np.argmin(carried + row))
        carried[agent] += row[agent]
    return carried


PRESETS = {"tiny": Assignment(2, 5), "small": Assignment(5, 25), "paper": Assignment(20, 100)}
