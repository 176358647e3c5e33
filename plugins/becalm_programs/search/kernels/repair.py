"""Flips until no row is violated (see ``becalm_programs.search.moves.repair``); a flip costs what its rows hold."""

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.flips import Flipped, Rows, flip, refresh, refresh_all

_TENURE = 3
"""Flips for which a variable stays as it is once flipped."""
_COST = 0.01
"""Share of the objective in the choice between flips, against violations in units of a row's largest coefficient."""


@kernel
def flip_until_feasible(rows: Rows, state: Flipped, cost: Array, flipped: Indices, best: Array, steps: int) -> None:
    """Flips until no row is violated, or so often; ``best`` (n,) becomes the least violated point on the way.

    Args:
        cost: (n,), of largest size 1. flipped: (n,) to work in.
    """
    refresh_all(rows, state)
    x, violation, broken, violated = state[0], state[2], state[6], state[7]
    scale, total = rows[8], 0.0
    for place in range(broken[0]):
        total += violation[violated[place]] * scale[violated[place]]
    least, fresh = total, True
    _release(flipped)
    for step in range(steps):
        if broken[0] == 0:
            break
        variable = _chosen(rows, state, cost, flipped, step)
        if variable < 0:
            if not _any(rows, state):
                break
            # All are held back by the tenure.
            _release(flipped)
            continue
        if state[3][variable] >= 0:
            _press(rows, state)
        total += flip(rows, state, variable)
        flipped[variable] = step
        if total < least or broken[0] == 0:
            least, fresh = total, True
        elif fresh:
            # The best so far is the point before this flip.
            _copy(x, best)
            best[variable] = 1.0 - x[variable]
            fresh = False
    if fresh:
        _copy(x, best)


@part
def _copy(x: Array, best: Array) -> None:
    for variable in range(len(x)):
        best[variable] = x[variable]


@part
def _release(flipped: Indices) -> None:
    for variable in range(len(flipped)):
        flipped[variable] = -_TENURE - 1


@part
def _chosen(rows: Rows, state: Flipped, cost: Array, flipped: Indices, step: int) -> int:
    """The flip to make: the best in the heaviest row that has any, -1 if none has."""
    violation, weight, broken, violated = state[2], state[5], state[6], state[7]
    scale = rows[8]
    below, after = np.inf, -1
    for _ in range(broken[0]):
        heaviest, most = -1, -1.0
        for place in range(broken[0]):
            number = violated[place]
            heavy = violation[number] * weight[number] * scale[number]
            # Of equal rows the first; those that have been asked are heavier, or equal and before.
            if (heavy < below or (heavy == below and number > after)) and (
                heavy > most or (heavy == most and number < heaviest)
            ):
                heaviest, most = number, heavy
        variable = _of_row(rows, state, cost, flipped, step, heaviest)
        if variable >= 0:
            return variable
        below, after = most, heaviest
    return -1


@part
def _of_row(rows: Rows, state: Flipped, cost: Array, flipped: Indices, step: int, number: int) -> int:
    """The flip in a row that lowers the weighted violation most, -1 if all are held back."""
    column, begin, binary = rows[0], rows[1], rows[9]
    x, change = state[0], state[3]
    best, least = -1, np.inf
    for place in range(begin[number], begin[number + 1]):
        variable = column[place]
        if binary[variable] and step - flipped[variable] > _TENURE:
            score = change[variable] + _COST * cost[variable] * (1.0 - 2.0 * x[variable])
            if score < least:
                best, least = variable, score
    return best


@part
def _press(rows: Rows, state: Flipped) -> None:
    """Raises the weights of all violated rows."""
    violation, weight = state[2], state[5]
    # In order, as sums are of floats.
    for number in range(len(weight)):
        if violation[number] > 0:
            weight[number] += 1.0
            refresh(rows, state, number)


@part
def _any(rows: Rows, state: Flipped) -> bool:
    """Whether a violated row has anything to flip."""
    column, begin, binary = rows[0], rows[1], rows[9]
    for number in range(len(state[2])):
        if state[2][number] > 0:
            for place in range(begin[number], begin[number + 1]):
                if binary[column[place]]:
                    return True
    return False
