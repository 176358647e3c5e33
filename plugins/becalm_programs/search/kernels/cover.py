"""Flips that lower the violation for the least cost per unit (see ``becalm_programs.search.greedy``).

The cheapest is the winner of a tournament, of which a flip plays anew only the games of what it touches.
"""

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.flips import Flipped, Rows, flip, refresh_all

_LESS = 1e-9
"""What lowers the violation by no more than this does not."""


@kernel
def cover(rows: Rows, state: Flipped, cost: Array, floor: float, price: Array, winner: Indices) -> None:
    """Flips until no row is violated, or no flip lowers the violation.

    Args:
        state: No row has been looked at. cost: (n,). floor: The least cost of a flip.
        price: (P,) to work in, with P a power of 2, at least n. winner: (2 P,) the same.
    """
    column, begin, _, start, row, _, _, _, _, _ = rows
    refresh_all(rows, state)
    size = len(price)
    for place in range(size):
        price[place], winner[size + place] = np.inf, place
    for variable in range(len(cost)):
        price[variable] = _price(state, cost, floor, variable)
    for game in range(size - 1, 0, -1):
        _play(price, winner, game)
    for _ in range(4 * len(cost)):
        cheapest = winner[1]
        if state[6][0] == 0 or price[cheapest] == np.inf:
            return
        flip(rows, state, cheapest)
        _look(state, cost, floor, price, winner, cheapest)
        for place in range(start[cheapest], start[cheapest + 1]):
            for cell in range(begin[row[place]], begin[row[place] + 1]):
                _look(state, cost, floor, price, winner, column[cell])


@part
def _price(state: Flipped, cost: Array, floor: float, variable: int) -> float:
    """What flipping a variable costs per unit of violation."""
    less = -state[3][variable]
    if not less > _LESS:
        return np.inf
    price: float = max(cost[variable] * (1.0 - 2.0 * state[0][variable]), floor) / less
    return price


@part
def _look(state: Flipped, cost: Array, floor: float, price: Array, winner: Indices, variable: int) -> None:
    """Plays the games of a variable anew, if its price is another."""
    now = _price(state, cost, floor, variable)
    if now != price[variable]:
        price[variable] = now
        game = (len(price) + variable) // 2
        while game > 0:
            before = winner[game]
            _play(price, winner, game)
            if winner[game] == before and before != variable:
                return
            game //= 2


@part
def _play(price: Array, winner: Indices, game: int) -> None:
    """The cheaper of two wins, of equals the first."""
    one, two = winner[2 * game], winner[2 * game + 1]
    winner[game] = two if price[two] < price[one] else one
