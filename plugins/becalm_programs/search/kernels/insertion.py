"""Insertions on one solution of a packing (see ``becalm_programs.search.moves.insertion``)."""

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.kernels.sort import sort

_OUT = 3.0
"""Most that goes out for a variable, in units of what it gains; beyond, tries take long and seldom pay."""

Packed = tuple[Indices, Indices, Array, Array, Mask]
"""A solution of a packing.

    start       (n + 1,) where what excludes each variable begins
    neighbour   variables that exclude it, variable after variable
    gain        (n,) of a variable that is 1
    loss        (n,) sum of the gains of what excludes a variable and is 1
    inside      (n,) what is 1
"""
Log = tuple[Indices, Indices, Indices, Indices, Mask, Indices]
"""What is under way.

    entered     (n + 1,) what went in, swap after swap
    until       (n + 1,) where in ``left`` what went out for it ends
    left        (4 n,) what went out
    places      (n,) where a swap may pay
    listed      (n,) whether a variable is one of the places
    count       (2,) how many swaps, how many places
"""


@kernel
def insert_all(packed: Packed, log: Log, turn: Indices, key: Array, least: float, tries: int) -> None:
    """Insertions until none pays, or so many have been tried.

    Args:
        turn, key: (n,) to work in.
    """
    _, _, gain, loss, inside = packed
    _, _, _, places, listed, length = log
    _count(packed)
    for variable in range(len(gain)):
        places[variable], listed[variable] = variable, True
    length[0], length[1] = 0, len(gain)
    _climb(packed, log, least, False)
    pays = True
    while pays and tries > 0:
        pays, turns = False, 0
        for variable in range(len(gain)):
            if not inside[variable] and gain[variable] > 0 and loss[variable] <= _OUT * gain[variable]:
                turn[turns], key[turns] = variable, loss[variable] - gain[variable]
                turns += 1
        # What loses least by going in comes first.
        sort(key, turn, turns)
        for place in range(turns):
            if not inside[turn[place]] and tries > 0:
                tries -= 1
                pays |= _insert(packed, log, turn[place], least)
        # Sums that were added to and taken from stay exact.
        _count(packed)


@part
def _count(packed: Packed) -> None:
    """Sums the losses."""
    start, neighbour, gain, loss, inside = packed
    for variable in range(len(gain)):
        loss[variable] = 0.0
    for variable in range(len(gain)):
        if inside[variable]:
            for place in range(start[variable], start[variable + 1]):
                loss[neighbour[place]] += gain[variable]


@part
def _insert(packed: Packed, log: Log, variable: int, least: float) -> bool:
    """Whether it paid; if not, all is as it was."""
    start, neighbour, _, _, _ = packed
    _, until, left, _, _, length = log
    length[0], length[1] = 0, 0
    total = _swap(packed, log, variable)
    for place in range(until[0]):
        _list(log, start, neighbour, left[place])
    total += _climb(packed, log, least, True)
    if total > least:
        return True
    _undo(packed, log)
    return False


@part
def _list(log: Log, start: Indices, neighbour: Indices, variable: int) -> None:
    """Losses fall around a variable that left: swaps may pay there."""
    _, _, _, places, listed, length = log
    for place in range(start[variable], start[variable + 1]):
        other = neighbour[place]
        if not listed[other]:
            listed[other] = True
            places[length[1]] = other
            length[1] += 1


@part
def _climb(packed: Packed, log: Log, least: float, kept: bool) -> float:
    """Swaps that pay, the best first, from the places that are listed, ``kept`` in the log or not; what they gain."""
    start, neighbour, gain, loss, inside = packed
    entered, _, left, places, listed, length = log
    total = 0.0
    while length[0] < len(entered) and _until(log) + len(gain) <= len(left):
        best, most, there = -1, least, 0
        for place in range(length[1]):
            variable = places[place]
            more = 0.0 if inside[variable] else gain[variable] - loss[variable]
            if more > most:
                best, most = variable, more
            # What does not pay now is a place again when losses fall there.
            if more > 0:
                places[there] = variable
                there += 1
            else:
                listed[variable] = False
        length[1] = there
        if best < 0:
            break
        before = _until(log)
        total += _swap(packed, log, best)
        for place in range(before, _until(log)):
            _list(log, start, neighbour, left[place])
        if not kept:
            length[0] = 0
    for place in range(length[1]):
        listed[places[place]] = False
    return total


@part
def _until(log: Log) -> int:
    """How much has gone out in all."""
    _, until, _, _, _, length = log
    return until[length[0] - 1] if length[0] > 0 else 0


@part
def _swap(packed: Packed, log: Log, variable: int) -> float:
    """A variable goes in, what excludes it out; what that gains."""
    start, neighbour, gain, loss, inside = packed
    entered, until, left, _, _, length = log
    end, lost = _until(log), 0.0
    for place in range(start[variable], start[variable + 1]):
        other = neighbour[place]
        if inside[other]:
            left[end] = other
            end += 1
            lost += gain[other]
            for near in range(start[other], start[other + 1]):
                loss[neighbour[near]] -= gain[other]
    for place in range(_until(log), end):
        inside[left[place]] = False
    inside[variable] = True
    for place in range(start[variable], start[variable + 1]):
        loss[neighbour[place]] += gain[variable]
    entered[length[0]], until[length[0]] = variable, end
    length[0] += 1
    return float(gain[variable]) - lost


@part
def _undo(packed: Packed, log: Log) -> None:
    """All swaps, the last first."""
    start, neighbour, gain, loss, inside = packed
    entered, until, left, _, _, length = log
    for swap in range(length[0] - 1, -1, -1):
        variable = entered[swap]
        inside[variable] = False
        for place in range(start[variable], start[variable + 1]):
            loss[neighbour[place]] -= gain[variable]
        for place in range(until[swap - 1] if swap > 0 else 0, until[swap]):
            other = left[place]
            inside[other] = True
            for near in range(start[other], start[other + 1]):
                loss[neighbour[near]] += gain[other]
