"""Choices, closings and openings on one solution (see ``becalm_programs.search.moves.exchange``)."""

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.flips import Flipped, Rows, flip, refresh_all
from becalm_programs.search.kernels.sort import sort

Sets = tuple[Indices, Indices, Indices, Indices]
"""Sets of which exactly one variable is 1.

    begin     (S + 1,) where the variables of each begin
    member    the variables, set after set
    number    (n,) set of each variable, -1 for none
    chosen    (S,) the variable that is 1
"""
Room = tuple[Indices, Indices, Indices, Indices, Array, Indices, Array]
"""Room to work in.

    move      (2 n + 1,) what a move flipped, in order
    met       (n,) variables met, or sets
    seen      (n,) whether it was met, 0 between moves
    turn      (n,) sets in the order of their turns
    key       (n,) what they are sorted by
    hopeful   (n,) what may be opened
    loss      (n,) what that adds to the cost at least
"""


@kernel
def exchange_all(
    rows: Rows, state: Flipped, sets: Sets, cost: Array, dear: Indices, room: Room, least: float, rounds: int
) -> None:
    """Passes over all moves until none pays, or so many.

    Args:
        state: What is 0 so far but the solution and its activities. dear: Variables outside of sets that cost, the
            dearest first.
    """
    refresh_all(rows, state)
    for _ in range(rounds):
        # Each kind has its turn even if the one before it got somewhere.
        done = _choices(rows, state, sets, cost, least)
        done += _closings(rows, state, sets, cost, dear, room, least)
        done += _openings(rows, state, sets, cost, dear, room, least)
        if done == 0:
            return


@part
def _choices(rows: Rows, state: Flipped, sets: Sets, cost: Array, least: float) -> int:
    """Sets choose cheaper members where that breaks no row; how many did."""
    begin, member, _, chosen = sets
    count = 0
    for number in range(len(chosen)):
        before, cheapest = chosen[number], np.inf
        for place in range(begin[number], begin[number + 1]):
            cheapest = min(cheapest, cost[member[place]])
        if cost[before] - cheapest <= least:
            continue
        _flip(rows, state, sets, before)
        after, _ = _fitting(state, sets, cost, number)
        better = after >= 0 and cost[before] - cost[after] > least
        _flip(rows, state, sets, after if better else before)
        count += better
    return count


@part
def _closings(rows: Rows, state: Flipped, sets: Sets, cost: Array, dear: Indices, room: Room, least: float) -> int:
    """Closes what costs and is 1, each if that pays; how many."""
    x = state[0]
    move, _, _, _, _, _, _ = room
    count = 0
    for variable in dear:
        if x[variable] > 0:
            gain, flips = _close(rows, state, sets, cost, variable, room)
            count += gain > least
            if not gain > least:
                _undo(rows, state, sets, move, flips)
    return count


@part
def _openings(rows: Rows, state: Flipped, sets: Sets, cost: Array, dear: Indices, room: Room, least: float) -> int:
    """Opens what costs and is 0, each if that pays, those first that could gain most; how many."""
    x = state[0]
    move, _, _, _, key, hopeful, loss = room
    hopes, count = 0, 0
    for variable in dear:
        if x[variable] == 0:
            users = _users(rows, state, sets, cost, variable, room, least)
            hopeful[hopes], loss[hopes] = variable, cost[variable]
            for user in range(users):
                loss[hopes] += key[user]
            hopes += 1
    sort(loss, hopeful, hopes)
    for place in range(hopes):
        if -loss[place] > least:
            gain, flips = _open(rows, state, sets, cost, hopeful[place], room, least)
            count += gain > least
            if not gain > least:
                _undo(rows, state, sets, move, flips)
    return count


@part
def _flip(rows: Rows, state: Flipped, sets: Sets, variable: int) -> None:
    _, _, number, chosen = sets
    x = state[0]
    flip(rows, state, variable)
    if number[variable] >= 0 and x[variable] > 0:
        chosen[number[variable]] = variable


@part
def _undo(rows: Rows, state: Flipped, sets: Sets, move: Indices, flips: int) -> None:
    for place in range(flips - 1, -1, -1):
        _flip(rows, state, sets, move[place])


@part
def _fitting(state: Flipped, sets: Sets, cost: Array, number: int) -> tuple[int, float]:
    """The cheapest member of a set without a choice that would break no row, -1 for none; and its regret, by how much
    the second costs more.
    """
    begin, member, _, _ = sets
    change = state[3]
    most = 0.0
    for place in range(begin[number], begin[number + 1]):
        most = min(most, change[member[place]])
    best, first, second = -1, np.inf, np.inf
    if most < 0:
        for place in range(begin[number], begin[number + 1]):
            variable = member[place]
            # Its own row is mended by any; what mends less than the best does breaks another.
            if change[variable] <= most + 1e-9:
                if best < 0 or cost[variable] < first:
                    best, first, second = variable, cost[variable], first
                elif cost[variable] < second:
                    second = cost[variable]
    return best, second - first if second < np.inf else np.inf


@part
def _close(rows: Rows, state: Flipped, sets: Sets, cost: Array, variable: int, room: Room) -> tuple[float, int]:
    """Closes a variable, whatever that gains; -inf if a set then has no choice. And how much is flipped."""
    column, begin, _, start, row, _, _, _, _, _ = rows
    _, _, number, chosen = sets
    x, violation, broken = state[0], state[2], state[6]
    move, met, seen, turn, key, _, _ = room
    _flip(rows, state, sets, variable)
    move[0], flips, gain, hung = variable, 1, cost[variable], 0
    for place in range(start[variable], start[variable + 1]):
        if violation[row[place]] > 0:
            for cell in range(begin[row[place]], begin[row[place] + 1]):
                user = column[cell]
                if x[user] > 0 and number[user] >= 0 and not seen[number[user]]:
                    seen[number[user]] = 1
                    met[hung] = number[user]
                    hung += 1
    for place in range(hung):
        seen[met[place]] = 0
        before = chosen[met[place]]
        _flip(rows, state, sets, before)
        move[flips] = before
        flips += 1
        gain += cost[before]
    for place in range(hung):
        turn[place] = met[place]
        key[place] = -_fitting(state, sets, cost, met[place])[1]
    sort(key, turn, hung)
    for place in range(hung):
        after, _ = _fitting(state, sets, cost, turn[place])
        if after < 0:
            break
        _flip(rows, state, sets, after)
        move[flips] = after
        flips += 1
        gain -= cost[after]
    return (gain if broken[0] == 0 else -np.inf), flips


@part
def _open(
    rows: Rows, state: Flipped, sets: Sets, cost: Array, variable: int, room: Room, least: float
) -> tuple[float, int]:
    """Opens a variable for the sets that save most by it, whatever that gains; -inf if a row breaks."""
    _, _, number, chosen = sets
    broken = state[6]
    move, _, _, turn, key, _, _ = room
    users = _users(rows, state, sets, cost, variable, room, least)
    sort(key, turn, users)
    _flip(rows, state, sets, variable)
    move[0], flips, gain = variable, 1, -cost[variable]
    if broken[0] > 0:
        return -np.inf, flips
    for place in range(users):
        user = turn[place]
        before = chosen[number[user]]
        _flip(rows, state, sets, before)
        _flip(rows, state, sets, user)
        if broken[0] > 0 or cost[before] - cost[user] <= least:
            _flip(rows, state, sets, user)
            _flip(rows, state, sets, before)
        else:
            move[flips], move[flips + 1] = before, user
            flips += 2
            gain += cost[before] - cost[user]
    return gain, flips


@part
def _users(rows: Rows, state: Flipped, sets: Sets, cost: Array, variable: int, room: Room, least: float) -> int:
    """Members of sets that share a row with a variable and cost less than what is chosen, in ``turn``, and less what
    they save in ``key``; how many.
    """
    column, begin, _, start, row, _, _, _, _, _ = rows
    _, _, number, chosen = sets
    x = state[0]
    _, met, seen, turn, key, _, _ = room
    meets, users = 0, 0
    for place in range(start[variable], start[variable + 1]):
        for cell in range(begin[row[place]], begin[row[place] + 1]):
            user = column[cell]
            if number[user] >= 0 and x[user] == 0 and not seen[user]:
                seen[user] = 1
                met[meets] = user
                meets += 1
                save = cost[chosen[number[user]]] - cost[user]
                if save > least:
                    turn[users], key[users] = user, -save
                    users += 1
    for place in range(meets):
        seen[met[place]] = 0
    return users
