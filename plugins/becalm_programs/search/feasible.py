"""From a sample to a feasible solution near it, and to a better one near that.

1  the binary variables are fixed as the sample has them, the surest first, and what rows imply follows (dive); all
others by a linear program, and those that must be whole near its values
2  where that fails, all integers by a dive
3  where that fails, jump moves from the sample
4  where that fails, dives that begin with what was in the way
"""

import zlib

import numpy as np

from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.propagation.rows import MISS, Rows
from becalm_programs.propagation.tighten import tighten
from becalm_programs.search.descent import Descent
from becalm_programs.search.dive.diver import Diver
from becalm_programs.search.jump.jumper import Jumper
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.structure.columns import Columns
from becalm_programs.solvers.continuous import relax_rest, solve_continuous

_STEPS = 5000
"""Jump moves from one sample."""
_ROUNDS = 40
"""Neighbourhoods of a solution that are searched for a better one."""
_RESTARTS = 4


class FeasibleSearch:
    """Search for feasible solutions of one program, sample by sample; a sample is looked at for itself alone."""

    def __init__(self, program: Program) -> None:
        self.program, self.columns = program, Columns.of(program)
        rows = Rows.of(program)
        tight = tighten(program, rows, MISS)
        self.diver = Diver(program, rows, tight.low, tight.high)
        self.jumper = Jumper(program, rows, tight.low, tight.high)
        self.descent = Descent(program, self.diver)
        binary = program.integer & (tight.high - tight.low <= 1)
        self._binary, self._general = np.flatnonzero(binary), np.flatnonzero(program.integer & ~binary)

    def solution(self, x: Array, sure: Array) -> Array | None:
        """A feasible solution (n,) near x; None if none is found.

        Args:
            x: (n,) a sample. sure: (n,) how sure each of its values is, in [0, 1].
        """
        surest = self._binary[np.argsort(-sure[self._binary], kind="stable")]
        order = np.concatenate([surest, self._general])
        for attempt in (self._fixing_binaries, self._fixing_all, self._jumping, self._fixing_anew):
            found = attempt(x, sure, order)
            if found is not None:
                return found
        return None

    def better(self, x: Array) -> Array:
        """A feasible solution (n,) near x, which is feasible, that costs no more: by single moves, then by dives."""
        x = oneopt(self.columns, x[None])[0]
        better = self.descent.better(x, zlib.crc32(x.tobytes()), _ROUNDS)
        if better is x:
            return x
        polished = self._polish(better)
        if polished is None:
            polished = better if self._good(better) else x
        return polished if self.program.cost @ polished <= self.program.cost @ x else x

    def _fixing_binaries(self, x: Array, sure: Array, order: Indices) -> Array | None:
        """Binary variables by a dive; all others by a linear program, and those that must be whole near that."""
        if len(self._binary) in (0, len(x)):
            return None
        bounds = self.diver.dive(x, order[: len(self._binary)])
        if bounds is None:
            return None
        wish = relax_rest(self.program, *bounds)
        if wish is None:
            return None
        whole = np.where(self.program.integer, np.rint(wish), wish)
        if np.abs(whole - wish).max() < 1e-6:
            return self._polish(whole)
        return self._finish(self.diver.dive(wish, order), wish)

    def _fixing_all(self, x: Array, sure: Array, order: Indices) -> Array | None:
        return self._finish(self.diver.dive(x, order), x)

    def _jumping(self, x: Array, sure: Array, order: Indices) -> Array | None:
        found = self.jumper.walk(x, sure, zlib.crc32(x.tobytes()), _STEPS)
        return None if found is None else self._polish(found)

    def _fixing_anew(self, x: Array, sure: Array, order: Indices) -> Array | None:
        return self._finish(self.diver.dive(x, order, conflicts=100, restarts=_RESTARTS), x)

    def _finish(self, bounds: tuple[Array, Array] | None, wish: Array) -> Array | None:
        """The solution (n,) that bounds leave once integers are fixed."""
        if bounds is None:
            return None
        polished = self._polish(bounds[0])
        if polished is None and not self.program.integer.all():
            plain = self.diver.finish(*bounds, wish)
            return plain if plain is not None and self._good(plain) else None
        return polished

    def _polish(self, x: Array) -> Array | None:
        """x (n,) with the best continuous variables for its integers, if that is feasible."""
        return solve_continuous(self.program, np.where(self.program.integer, np.rint(x), x))

    def _good(self, x: Array) -> bool:
        return bool(verify(self.program, x[None]).feasible[0])
