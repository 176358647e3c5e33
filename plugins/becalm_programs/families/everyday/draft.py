"""A program that is written down row by row."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program


class Draft:
    """Variables and rows so far; variables are known by their number."""

    def __init__(self) -> None:
        self._cost: list[float] = []
        self._bounds: list[tuple[float, float, bool]] = []
        self._rows: list[tuple[Mapping[int, float], float, float]] = []

    def variable(self, cost: float = 0.0, low: float = 0.0, high: float = 1.0, *, integer: bool = True) -> int:
        """A new variable; binary unless said otherwise."""
        self._cost.append(cost)
        self._bounds.append((low, high, integer))
        return len(self._cost) - 1

    def row(self, terms: Mapping[int, float], low: float = -np.inf, high: float = np.inf) -> None:
        """low <= sum of coefficient times variable <= high."""
        self._rows.append((terms, low, high))

    def program(self, *, maximise: bool = False) -> Program:
        """What has been written."""
        places = [(number, variable) for number, (terms, *_) in enumerate(self._rows) for variable in terms]
        values = [value for terms, *_ in self._rows for value in terms.values()]
        shape = (len(self._rows), len(self._cost))
        matrix = sparse.csr_array((values, tuple(np.array(places).reshape(-1, 2).T)), shape=shape)
        low, high, integer = (np.array(column) for column in zip(*self._bounds, strict=True))
        return from_arrays(
            self._cost,
            matrix,
            np.array([low for _, low, _ in self._rows]),
            np.array([high for *_, high in self._rows]),
            low=low,
            high=high,
            integer=integer.astype(bool),
            maximise=maximise,
        )
