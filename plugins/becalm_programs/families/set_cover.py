"""Set cover: choose the cheapest columns so that each row is covered.

Balas and Ho 1980, as Gasse et al. 2019 draw it: costs of 1 to 100, each column in at least two rows, each row in at
least one column, the rest of the entries at random.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program, numbered

_DEAREST = 100


@dataclass(frozen=True, slots=True)
class SetCover:
    """Sizes.

    Attributes:
        density: Part of the entries that are 1.

    Raises:
        UserError: If the density leaves fewer than two rows a column or one column a row, or is above 1.
    """

    rows: int
    columns: int
    density: float

    def __post_init__(self) -> None:
        if (
            min(self.rows, self.columns) < 2
            or not max(2 * self.columns, self.rows) <= self._entries
            or (self.density > 1)
        ):
            raise UserError(
                f"a set cover must have two rows a column and one column a row at its density, at most 1, got {self}"
            )

    @property
    def _entries(self) -> int:
        return int(self.rows * self.columns * self.density)

    def program(self, random: np.random.RandomState) -> Program:
        """One instance."""
        spare = self._entries - 2 * self.columns
        sizes = 2 + np.bincount(random.randint(self.columns, size=spare), minlength=self.columns)
        # Only when nearly all is covered can a column be given more rows than there are.
        sizes = np.minimum(sizes, self.rows)
        entries = _entries(sizes, self.rows, random)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        matrix = sparse.csc_array((np.ones(len(entries)), entries, starts), shape=(self.rows, self.columns))
        return from_arrays(
            cost=random.randint(1, _DEAREST + 1, size=self.columns),
            rows=matrix,
            row_low=1.0,
            row_names=numbered("cover", self.rows),
        )


def _entries(sizes: np.ndarray, rows: int, random: np.random.RandomState) -> np.ndarray:
    """The rows of each column, one column after the other: every row once, then at random without repeats."""
    first = random.permutation(rows)
    parts = []
    done = 0
    for size in sizes.tolist():
        part = first[done : done + size]
        if len(part) < size:
            left = np.setdiff1d(np.arange(rows), part)
            part = np.concatenate([part, random.choice(left, size - len(part), replace=False)])
        parts.append(part)
        done += size
    return np.concatenate(parts)


PRESETS = {"tiny": SetCover(6, 10, 0.4), "small": SetCover(100, 200, 0.05), "paper": SetCover(1000, 2000, 0.05)}
