"""1-opt: moves of one integer variable that better the objective and break no row, until there are none.

All K solutions move at once. In a round, every improving move of every solution is a candidate, in order of what it
gains, then of how few rows it touches, then of its variable; a move is made if in each of its rows there is room for
it and for all candidates before it. So the moves of a round cannot get into each other's way. No solution is looked at
for the sake of another: a batch gives what each of its solutions gives alone.
"""

from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Mask, Program
from becalm_programs.search.structure.columns import ROUNDING, Columns, Indices

# Coefficients held at a time, so that memory does not grow with K.
_CELLS = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Candidate moves of one variable each, with the coefficients they meet.

    Attributes:
        sample: (P,) whose move.
        variable: (P,) of which variable.
        sign: (P,) 1 up, -1 down.
        row: (E,) rows met, move after move.
        slope: (E,) what a step of one does to that row.
        owner: (E,) which move.
    """

    sample: Indices
    variable: Indices
    sign: Array
    row: Indices
    slope: Array
    owner: Indices

    @staticmethod
    def of(columns: Columns, sample: Indices, variable: Indices, sign: Array) -> "_Moves":
        """Looks the coefficients up."""
        places, owner = columns.entries(variable)
        return _Moves(sample, variable, sign, columns.row[places], columns.value[places] * sign[owner], owner)

    def subset(self, kept: Mask) -> "_Moves":
        """The moves where ``kept`` (P,) is true."""
        edge = kept[self.owner]
        place = np.cumsum(kept) - 1
        return _Moves(
            self.sample[kept],
            self.variable[kept],
            self.sign[kept],
            self.row[edge],
            self.slope[edge],
            place[self.owner[edge]],
        )


def oneopt(columns: Columns, x: Array, *, priority: Array | None = None) -> Array:
    """Improved copies of the solutions.

    No solution is made worse, no row more violated than it was, and the continuous variables are left as they are.
    An infeasible solution is improved as far as its satisfied rows allow.

    Args:
        x: (K, n) solutions, integer variables whole.
        priority: (K, n) or (n,) which variables to move first, the greatest first, in place of what a move gains.

    Returns:
        (K, n).
    """
    improved = np.array(x, dtype=np.float64)
    order = None if priority is None else np.broadcast_to(priority, improved.shape)
    step = max(1, _CELLS // max(1, len(columns.row)))
    for start in range(0, len(improved), step):
        end = start + step
        _improve(columns, improved[start:end], None if order is None else order[start:end])
    return improved


def _improve(columns: Columns, x: Array, priority: Array | None) -> None:
    """Rounds on x (K, n), in place. Solutions that have settled drop out."""
    live = np.arange(len(x))
    while len(live):
        sample, variable, step = _moves(columns, x[live], None if priority is None else priority[live])
        x[live[sample], variable] += step
        live = live[np.unique(sample)]


def _moves(columns: Columns, x: Array, priority: Array | None) -> tuple[Indices, Indices, Array]:
    """The moves of a round on x (K, n): solution, variable, step."""
    program = columns.program
    sign = -np.sign(program.cost)
    sample, variable = np.nonzero(np.where(sign > 0, x < program.high, x > program.low) & program.integer & (sign != 0))
    candidates = _Moves.of(columns, sample, variable, sign[variable])
    reach, gap = _slack(program, (program.rows @ x.T).T, candidates)
    bound = np.where(sign > 0, program.high, program.low)[variable]
    step = np.floor(np.minimum(reach, np.abs(bound - x[sample, variable])))
    # A move without end is the mark of an unbounded program: there is no best to go to.
    good = (step >= 1) & np.isfinite(step)
    gap, step = gap[good[candidates.owner]], step[good]
    moves = candidates.subset(good)
    value = np.abs(program.cost[moves.variable]) * step if priority is None else priority[moves.sample, moves.variable]
    rank = np.empty(len(step), dtype=np.int64)
    rank[np.lexsort((moves.variable, columns.degree[moves.variable], -value))] = np.arange(len(step))
    kept = _fitting(moves, step, gap, rank, len(x))
    return moves.sample[kept], moves.variable[kept], (step * moves.sign)[kept]


def _slack(program: Program, activity: Array, move: _Moves) -> tuple[Array, Array]:
    """How far moves can go before a row is violated, or violated more than it was.

    Args:
        activity: (K, m) of the solutions.

    Returns:
        (P,) slack of each move, in units of its variable; (E,) that of each of its coefficients, in units of the row.
    """
    now = activity[move.sample[move.owner], move.row]
    rising = move.slope > 0
    bound = np.where(rising, program.row_high[move.row], program.row_low[move.row])
    gap = np.where(rising, bound - now, now - bound) + ROUNDING
    reach = np.full(len(move.variable), np.inf)
    np.minimum.at(reach, move.owner, np.maximum(gap, 0.0) / np.abs(move.slope))
    return reach, gap


def _fitting(moves: _Moves, step: Array, gap: Array, rank: Indices, count: int) -> Mask:
    """Which moves (P,) find room beside all the moves before them."""
    sample = moves.sample[moves.owner]
    # Of each solution, side of a row by side of a row, in order of rank.
    side = 2 * moves.row + (moves.slope > 0)
    order = np.lexsort((rank[moves.owner], side, sample))
    sample, side = sample[order], side[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (side[1:] != side[:-1]) | (sample[1:] != sample[:-1])
    used = (np.abs(moves.slope) * step[moves.owner])[order]
    before, error = _used_before(used, sample, fresh, count)
    # The first of a row's side fits, since it fits alone.
    fits = fresh | (before + used + error <= gap[order])
    improved = np.ones(len(step), dtype=bool)
    improved[moves.owner[order[~fits]]] = False
    return improved


def _used_before(used: Array, sample: Indices, fresh: Mask, count: int) -> tuple[Array, Array]:
    """Sum of what comes before each entry since the last fresh one, and a bound on its rounding error.

    One running sum per solution, so that no solution's rounding depends on another's.
    """
    length = np.bincount(sample, minlength=count)
    place = np.arange(len(used)) - np.repeat(np.cumsum(length) - length, length)
    table = np.zeros((count, int(length.max(initial=0)) + 1))
    table[sample, place + 1] = used
    total = np.cumsum(table, axis=1)
    running = total[sample, place]
    begin = np.maximum.accumulate(np.where(fresh, np.arange(len(used)), 0))
    # Sums of whole numbers are exact as long as they stay below 2^53.
    broken = np.bincount(sample, weights=used != np.rint(used), minlength=count) > 0
    error = total[:, -1] * length * np.finfo(np.float64).eps * (broken | (total[:, -1] >= 2.0**53))
    return running - running[begin], error[sample]
