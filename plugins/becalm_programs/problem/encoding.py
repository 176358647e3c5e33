"""Variables as bits: what diffusion walks on, p in [0, 1] per entry, so that x = low + W p.

A binary variable is one bit. An integer variable of range R has bits of weights 1, 2, 4, ... whose last is cut to
R - (2^k - 1), so that every setting of the bits is a value within its bounds. A continuous variable is one entry of
weight R that need not be whole.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm_programs.problem.program import Array, Mask, Program, solutions

_WIDEST = 2.0**20
"""Widest range of an integer variable: twenty bits."""


@dataclass(frozen=True, slots=True, eq=False)
class BinaryEncoding:
    """The encoding of a program's n variables as N entries.

    Attributes:
        weights: (n, N) scipy.sparse.csr_array, W; each entry belongs to one variable.
        low: (n,) values where all entries are 0.
        owner: (N,) variable of each entry, ascending.
        whole: (N,) whether the entry must be 0 or 1.
    """

    weights: Any
    low: Array
    owner: np.ndarray
    whole: Mask

    @classmethod
    def of(cls, program: Program) -> "BinaryEncoding":
        """The encoding of a program.

        Raises:
            UserError: If a variable has no finite bounds, or an integer variable has too many values.
        """
        from scipy import sparse

        span = program.high - program.low
        wrong = np.flatnonzero(~np.isfinite(span))
        if len(wrong):
            name = program.names[wrong[0]]
            raise UserError(f"variable {name!r} has no finite bounds: sampling needs a least and a greatest value")
        wide = np.flatnonzero(program.integer & (span > _WIDEST))
        if len(wide):
            name = program.names[wide[0]]
            raise UserError(f"variable {name!r} has {span[wide[0]]:g} values: sampling needs at most {_WIDEST:g}")
        weights = [
            _weights(float(width)) if whole else [float(width)]
            for width, whole in zip(span, program.integer, strict=True)
        ]
        counts = np.array([len(entry) for entry in weights])
        owner = np.repeat(np.arange(len(span)), counts)
        values = np.array([weight for entry in weights for weight in entry])
        matrix = sparse.csr_array((values, (owner, np.arange(len(owner)))), shape=(len(span), len(owner)))
        return cls(matrix, program.low.copy(), owner, program.integer[owner])

    @property
    def size(self) -> int:
        """N, entries."""
        return len(self.owner)

    def encode(self, program: Program, x: Array) -> Array:
        """Solutions (K, n) as entries (K, N); integers exactly, from the heaviest bit down."""
        rest = solutions(program, x) - self.low
        entries = np.zeros((len(rest), self.size))
        values = np.asarray(self.weights.sum(axis=0)).ravel()
        last = np.searchsorted(self.owner, np.arange(len(self.low)), side="right") - 1
        number = last[self.owner] - np.arange(self.size)
        # The heaviest bit of each variable first, then the next of each that has more.
        for rank in range(int(number.max(initial=-1)) + 1):
            some = np.flatnonzero((number == rank) & (values > 0))
            variable, weight = self.owner[some], values[some]
            left = rest[:, variable]
            part = np.where(self.whole[some], left >= weight - 0.5, np.clip(left / weight, 0.0, 1.0))
            entries[:, some] = part
            rest[:, variable] = left - part * weight
        return entries

    def decode(self, entries: Array) -> Array:
        """Entries (K, N) as solutions (K, n); what must be whole is put on 0 or 1 first, at one half."""
        put = np.where(self.whole, np.asarray(entries) > 0.5, np.clip(entries, 0.0, 1.0))
        return np.asarray((self.weights @ put.T).T + self.low)


def _weights(span: float) -> list[float]:
    """1, 2, 4, ..., and what is left of the span; one weight of 0 where nothing can vary."""
    if span < 1:
        return [0.0]
    weights: list[float] = []
    weight = 1.0
    while sum(weights) + weight < span:
        weights.append(weight)
        weight *= 2
    return [*weights, span - sum(weights)]
