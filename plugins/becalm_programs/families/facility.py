"""Capacitated facility location: open facilities and give each customer to one, within capacities.

Cornuejols et al. 1991 with the constants of Gasse et al. 2019: customers and facilities in the unit
square, demands 5 to 35, capacities 10 to 160 scaled to a ratio of total demand, transport 10 x distance x demand. Each
customer is served by one facility (binary, sum = 1, where Gasse et al. ask for at least 1), and the rows that tighten
the relaxation are there: total capacity, and x <= y for each pair.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Facility:
    """Sizes.

    Attributes:
        ratio: Total capacity as a multiple of total demand.

    Raises:
        UserError: If there is no customer or facility, or the ratio is below 1.
    """

    customers: int
    facilities: int
    ratio: float

    def __post_init__(self) -> None:
        if min(self.customers, self.facilities) < 1 or self.ratio < 1:
            raise UserError(f"a facility location must have customers, facilities and a ratio from 1 on, got {self}")

    def program(self, random: np.random.RandomState) -> Program:
        """One instance. Variables: x of customer 0 with each facility, of customer 1, ..., then y of each facility."""
        here, there = random.rand(self.customers, 2), random.rand(self.facilities, 2)
        demand = random.randint(5, 36, size=self.customers).astype(np.float64)
        capacity = random.randint(10, 161, size=self.facilities).astype(np.float64)
        fixed = random.randint(100, 111, size=self.facilities) * np.sqrt(capacity)
        fixed = np.floor(fixed + random.randint(91, size=self.facilities))
        capacity = np.floor(capacity * self.ratio * demand.sum() / capacity.sum())
        distance = np.sqrt(((here[:, None] - there) ** 2).sum(axis=2))
        transport = distance * 10 * demand[:, None]
        pairs = [(i, j) for i in range(self.customers) for j in range(self.facilities)]
        rows, low, high = self._rows(demand, capacity)
        names = [f"demand{i}" for i in range(self.customers)] + [f"capacity{j}" for j in range(self.facilities)]
        return from_arrays(
            np.concatenate([transport.ravel(), fixed]),
            rows,
            low,
            high,
            names=[f"x{i}_{j}" for i, j in pairs] + [f"y{j}" for j in range(self.facilities)],
            row_names=[*names, "total", *(f"open{i}_{j}" for i, j in pairs)],
        )

    def _rows(self, demand: Vector, capacity: Vector) -> tuple[sparse.csr_array, Vector, Vector]:
        """The matrix and its sides: customers, facilities, total, pairs."""
        each_customer, each_facility = sparse.eye_array(self.customers), sparse.eye_array(self.facilities)
        one_facility, one_customer = np.ones((1, self.facilities)), np.ones((self.customers, 1))
        pairs = self.customers * self.facilities
        matrix = sparse.block_array(
            [
                [sparse.kron(each_customer, one_facility), None],
                [sparse.kron(demand[None], each_facility), -sparse.diags_array(capacity)],
                [None, sparse.csr_array(capacity[None])],
                [sparse.eye_array(pairs), -sparse.kron(one_customer, each_facility)],
            ]
        )
        low = np.concatenate([np.ones(self.customers), np.full(self.facilities, -np.inf), [demand.sum()]])
        high = np.concatenate([np.ones(self.customers), np.zeros(self.facilities), [np.inf]])
        low, high = np.concatenate([low, np.full(pairs, -np.inf)]), np.concatenate([high, np.zeros(pairs)])
        return sparse.csr_array(matrix), low, high


PRESETS = {"tiny": Facility(4, 3, 5.0), "small": Facility(20, 10, 5.0), "paper": Facility(100, 50, 5.0)}
