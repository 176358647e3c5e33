"""The state of a search by flips of binary variables: what every flip would do to the violation, kept up to date.

A row's violation counts in units of its largest coefficient, times its weight. A flip changes the activities of a few
rows, so only the entries of those rows are looked at again.
"""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.search.structure.columns import ROUNDING, Columns, Indices, ragged, row_violation


class Flips:
    """One solution under way.

    Attributes:
        x: (n,) the solution; only binary variables change.
        activity: (m,) of the rows.
        violation: (m,) of the rows, at least 0, not weighted; what is mere rounding counts as 0.
        change: (n,) what a flip would add to the weighted violation; 0 for variables that are not binary.
        weight: (m,) of the rows.
    """

    def __init__(self, columns: Columns, x: Array) -> None:
        program = columns.program
        self.columns = columns
        self.x = x.copy()
        self.binary = program.binary & (program.low < program.high)
        length = np.diff(program.rows.indptr).astype(np.int64)
        self._begin, self._length = program.rows.indptr.astype(np.int64), length
        self._column, self._value = program.rows.indices.astype(np.int64), program.rows.data
        largest = np.zeros(len(length))
        np.maximum.at(largest, np.repeat(np.arange(len(length)), length), np.abs(self._value))
        self.scale = 1.0 / np.where(largest > 0, largest, 1.0)
        self.weight = np.ones(len(length))
        self.activity = program.rows @ self.x
        self.violation = self._violation_of(np.arange(len(length)), self.activity)
        self.change = np.zeros(len(self.x))
        self._part = np.zeros(len(self._value))
        self._refresh(np.arange(len(length)))

    @property
    def program(self) -> Program:
        """Whose solution it is."""
        return self.columns.program

    def broken(self) -> Indices:
        """Rows that are violated."""
        return np.flatnonzero(self.violation > 0)

    def members(self, row: int) -> Indices:
        """Binary variables of a row."""
        members = self._column[self._begin[row] : self._begin[row] + self._length[row]]
        return np.asarray(members[self.binary[members]])

    def flip(self, variable: int) -> None:
        """Flips a binary variable."""
        start, end = self.columns.start[variable : variable + 2]
        rows = self.columns.row[start:end]
        step = 1.0 - 2.0 * self.x[variable]
        self.x[variable] += step
        self.activity[rows] += step * self.columns.value[start:end]
        self.violation[rows] = self._violation_of(rows, self.activity[rows])
        self._refresh(rows)

    def press(self, rows: Indices, more: float = 1.0) -> None:
        """Raises the weight of rows."""
        self.weight[rows] += more
        self._refresh(rows)

    def _violation_of(self, rows: Indices, activity: Array) -> Array:
        violation = row_violation(self.program.row_low[rows], self.program.row_high[rows], activity)
        violation[violation <= ROUNDING] = 0.0
        return violation

    def _refresh(self, rows: Indices) -> None:
        """Looks at all entries of the rows anew."""
        places, owner = ragged(self._begin[rows], self._length[rows])
        row, column = rows[owner], self._column[places]
        after = self.activity[row] + self._value[places] * (1.0 - 2.0 * self.x[column])
        part = (self._violation_of(row, after) - self.violation[row]) * self.weight[row] * self.scale[row]
        part[~self.binary[column]] = 0.0
        np.add.at(self.change, column, part - self._part[places])
        self._part[places] = part
