"""Greedy and randomised greedy solutions.

From the point where every variable is as near to 0 as it may be: flips that lower the violation for the least cost per
unit, until no row is violated (Chvatal 1979, for set cover), or none is left, then repair; then moves that better the
objective, in order of gain over the root of the rows touched (Lehmann et al. 2002, for auctions), as long as no row
breaks. Randomised: each solution sees costs of its own, multiplied by exp(spread * normal).

Continuous variables are finished by a linear program. Where greedy generically fails, a program that is recognised as
facility location has its own (``becalm_programs.search.structure.facility``).
"""

import numpy as np

from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.kernels.cover import cover
from becalm_programs.search.kernels.flips import Rows, rows_of, state_of
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.moves.repair import mended
from becalm_programs.search.structure.columns import Columns
from becalm_programs.search.structure.facility import recognise
from becalm_programs.solvers.continuous import solve_continuous


def greedy(
    program: Program | Columns, count: int = 1, *, spread: float = 0.15, generator: np.random.Generator | None = None
) -> Array:
    """Solutions (K, n) that verify; K is at most ``count``, and 0 if greedy finds nothing feasible.

    Args:
        count: How many to make; the first is the plain greedy solution, the others are randomised.
        spread: How much costs vary between solutions, as the deviation of their logarithm.
        generator: Randomness; needed for more than one.

    Raises:
        ValueError: If several are asked for without randomness.
    """
    columns = Columns.of(program)
    if count > 1 and generator is None:
        raise ValueError("several greedy solutions need a generator")
    return greedy_by(columns, factors(count, len(columns.program.cost), spread, generator))


def factors(count: int, size: int, spread: float, generator: np.random.Generator | None) -> Array:
    """(count, size) what costs are multiplied with; ones for the first."""
    factor = np.ones((count, size))
    if generator is not None and count > 1:
        factor[1:] = np.exp(spread * generator.standard_normal((count - 1, size)))
    return factor


def greedy_by(columns: Columns, factor: Array) -> Array:
    """Greedy solutions (P, n) that verify; of each, costs are multiplied by a row of ``factor`` (K, n)."""
    program = columns.program
    facility = recognise(program)
    if facility is not None:
        points = np.stack([facility.solve(program.cost * each) for each in factor])
    else:
        bare = np.clip(np.zeros(len(program.cost)), program.low, program.high)
        points = _carry_on(columns, np.stack([bare] * len(factor)), factor)
    good = [found for each in points if (found := solve_continuous(program, each)) is not None]
    return np.array(good).reshape(-1, len(program.cost))


def recreate(columns: Columns, x: Array, share: float, spread: float, generator: np.random.Generator) -> Array:
    """Other solutions near those of a binary program: some of what is 1 is set to 0, and greedy goes on from there
    (Schrimpf et al. 2000, ruin and recreate).

    Args:
        x: (K, n) solutions.
        share: Of the ones, how many are set to 0.
        spread: How much costs vary, as for ``greedy``.

    Returns:
        (P, n) those that verify; P is at most K.
    """
    ruined = np.where((x > 0) & columns.program.binary & (generator.random(x.shape) < share), 0.0, x)
    ruined = np.maximum(ruined, columns.program.low)
    points = _carry_on(columns, ruined, np.exp(spread * generator.standard_normal(x.shape)))
    return points[verify(columns.program, points).feasible]


def _carry_on(columns: Columns, x: Array, factor: Array) -> Array:
    """Points (K, n) carried on to where greedy stops, costs multiplied by the factors (K, n)."""
    program, rows = columns.program, rows_of(columns)
    points = np.stack(
        [cover_greedily(columns, rows, start, program.cost * each) for start, each in zip(x, factor, strict=True)]
    )
    gain = np.abs(program.cost) / np.sqrt(np.maximum(columns.degree, 1))
    return oneopt(columns, points, priority=gain * factor)


def cover_greedily(columns: Columns, rows: Rows, x: Array, cost: Array) -> Array:
    """(n,) from x (n,) to where no flip lowers the violation, or nothing is violated; then repaired if need be."""
    state, size = state_of(columns, x), 1 << max(1, len(cost) - 1).bit_length()
    floor = 1e-6 * max(1e-12, float(np.abs(cost).max()))
    cover(rows, state, cost, floor, np.empty(size), np.empty(2 * size, np.int64))
    return mended(columns.program, rows, state, 200 + len(cost))
