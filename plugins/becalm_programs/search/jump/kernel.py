"""The walk of jump moves, compiled (Feasibility Jump, Luteberget and Sartor 2023; candidates are sampled from violated
rows as in Lin et al. 2024b).

Where no candidate mends, a chain is tried: the best of them is made all the same, then the best in a row that this
broke, and so on; it stays if all of it together mends (ejection chain, Glover 1996: in rows that say that one of a set
is 1, a chain of two exchanges a choice). If it does not, the weights of violated rows grow, and the best move in one of
them is made.
"""

import numpy as np

from becalm_programs.compiled import compiled
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.propagation.rows import Rows
from becalm_programs.search.jump.state import State, begin, jump_value, move

_ROWS, _CANDIDATES, _BREAKPOINTS = 4, 60, 16
"""Violated rows, variables and breakpoints of a variable that are looked at for a move."""
_TENURE = 3
_CHAIN = 4
"""Moves of a chain at most."""
_RENEW = 2000
"""Steps after which activities are summed anew, against drift."""
_SURE = 1e-3
"""What a variable that is wholly sure counts less."""


@compiled
def nobody() -> int:
    """-1, in place of a variable or row. A literal would be a type of its own, and what takes it compiled twice."""
    return -1


@compiled
def draw(random: Indices, count: int) -> int:
    """A number below ``count`` (xorshift, Marsaglia 2003); the state (1,) goes on."""
    word = int(random[0])
    word ^= (word << 13) & 0x7FFFFFFFFFFFFFFF
    word ^= word >> 7
    word ^= (word << 17) & 0x7FFFFFFFFFFFFFFF
    random[0] = word
    return word % count


@compiled
def best_of(
    rows: Rows, low: Array, high: Array, state: State, row: int, sure: Array, step: int, begun: int, barred: int
) -> tuple[int, float, float]:
    """Of the variables of a row, some from a random one on, the one whose jump mends most; -1 if none may move.

    Args:
        begun: Where in the row to begin. barred: A variable that is not to move.
    """
    start, length = rows.row_start[row], rows.row_start[row + 1] - rows.row_start[row]
    chosen, chosen_value, most = nobody(), 0.0, -np.inf
    for offset in range(min(length, _CANDIDATES)):
        variable = rows.row_column[start + (begun + offset) % length]
        if low[variable] == high[variable] or variable == barred or step - state.last[variable] <= _TENURE:
            continue
        value, mends = jump_value(rows, low, high, state, variable, _BREAKPOINTS)
        if mends == -np.inf:
            continue
        worth = mends - _SURE * sure[variable]
        if worth > most:
            chosen, chosen_value, most = variable, value, worth
    if chosen >= 0:
        most += _SURE * sure[chosen]
    return chosen, chosen_value, most


@compiled
def walk(
    rows: Rows, low: Array, high: Array, state: State, sure: Array, best: Array, random: Indices, steps: int, gap: float
) -> bool:
    """Moves x until no row is violated; then, below what was found, on and on.

    Args:
        sure: (n,) in [0, 1], how sure a variable's value is: of moves that mend alike, that of the least sure is made.
        best: (n,) the best feasible solution is written here.
        gap: By how much the next solution has to be better; 0 ends with the first.

    Returns:
        Whether a feasible one was found.
    """
    objective = len(rows.low) - 1
    begin(rows, state)
    found = False
    chain_variable, chain_value = np.zeros(_CHAIN, np.int64), np.zeros(_CHAIN)
    for step in range(1, steps + 1):
        if step % _RENEW == 0:
            begin(rows, state)
        if state.size[0] == 0:
            begin(rows, state)
        if state.size[0] == 0:
            found = True
            for variable in range(len(best)):
                best[variable] = state.x[variable]
            if gap <= 0:
                return True
            rows.high[objective] = state.activity[objective] - gap
            begin(rows, state)
            continue
        chosen, value, most = nobody(), 0.0, -np.inf
        for _ in range(min(_ROWS, state.size[0])):
            row = state.violated[draw(random, state.size[0])]
            length = rows.row_start[row + 1] - rows.row_start[row]
            if length == 0:
                return found
            other, other_value, mends = best_of(rows, low, high, state, row, sure, step, draw(random, length), nobody())
            if other >= 0 and mends > most:
                chosen, value, most = other, other_value, mends
        if chosen < 0:
            continue
        if most > 1e-12:
            move(rows, state, chosen, value, step)
            continue
        if _chain(rows, low, high, state, sure, random, step, chosen, value, most, chain_variable, chain_value):
            continue
        for place in range(state.size[0]):
            state.weight[state.violated[place]] += 1.0
        value, most = jump_value(rows, low, high, state, chosen, _BREAKPOINTS)
        move(rows, state, chosen, value, step)
    return found


@compiled
def _chain(
    rows: Rows,
    low: Array,
    high: Array,
    state: State,
    sure: Array,
    random: Indices,
    step: int,
    variable: int,
    value: float,
    total: float,
    chain_variable: Indices,
    chain_value: Array,
) -> bool:
    """Makes a chain of moves that begins with one; False, and all is as it was, if it does not mend."""
    length = 0
    while True:
        chain_variable[length], chain_value[length] = variable, state.x[variable]
        move(rows, state, variable, value, step)
        length += 1
        if total > 1e-12:
            return True
        if length == _CHAIN:
            break
        # The heaviest of the rows that this variable breaks.
        worst, heaviest = nobody(), 0.0
        for place in range(rows.column_start[variable], rows.column_start[variable + 1]):
            row = rows.column_row[place]
            if state.position[row] >= 0 and state.weight[row] > heaviest:
                worst, heaviest = row, state.weight[row]
        if worst < 0:
            break
        size = rows.row_start[worst + 1] - rows.row_start[worst]
        variable, value, mends = best_of(rows, low, high, state, worst, sure, step, draw(random, size), variable)
        if variable < 0:
            break
        total += mends
    for place in range(length - 1, -1, -1):
        move(rows, state, chain_variable[place], chain_value[place], state.last[chain_variable[place]] - _TENURE - 1)
    return False
