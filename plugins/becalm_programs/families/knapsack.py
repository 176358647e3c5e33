"""Knapsack with several rows: the most profit from items that use several resources.

Chu and Beasley 1998 (OR-Library's mknapcb): uses of 1 to 1000, each capacity a part of all uses of its resource,
profits correlated with the mean use, plus up to 500.
"""

from dataclasses import dataclass

import numpy as np

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program, numbered


@dataclass(frozen=True, slots=True)
class Knapsack:
    """Sizes.

    Attributes:
        tightness: Capacity as a part of what all items together would use.

    Raises:
        UserError: If there is no resource or item, or the tightness is not between 0 and 1.
    """

    resources: int
    items: int
    tightness: float

    def __post_init__(self) -> None:
        if min(self.resources, self.items) < 1 or not 0 < self.tightness < 1:
            raise UserError(f"a knapsack must have resources, items and a tightness within 0 and 1, got {self}")

    def program(self, random: np.random.RandomState) -> Program:
        """One instance."""
        use = random.randint(1, 1001, size=(self.resources, self.items)).astype(np.float64)
        profit = np.floor(use.mean(axis=0) + 500 * random.rand(self.items))
        capacity = np.floor(self.tightness * use.sum(axis=1))
        return from_arrays(
            profit, use, row_high=capacity, row_names=numbered("capacity", self.resources), maximise=True
        )


PRESETS = {"tiny": Knapsack(3, 10, 0.5), "small": Knapsack(5, 100, 0.5), "paper": Knapsack(30, 500, 0.5)}
