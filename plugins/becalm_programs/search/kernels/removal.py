"""Removals on one solution of a covering (see ``becalm_programs.search.moves.removal``)."""

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array, Mask

Cover = tuple[Indices, Indices, Indices, Indices, Array, Indices]
"""What covers what.

    begin     (m + 1,) where the variables of each row begin
    member    the variables, row after row
    start     (n + 1,) where the rows of each variable begin
    row       the rows, variable after variable
    cost      (n,) inf for a variable that must be 0, -inf for one that must be 1
    order     (n,) the variables, the dearest first
"""
Room = tuple[Indices, Indices, Indices, Indices, Indices, Indices, Indices, Mask]
"""Room to work in.

    count     (m,) by how many a row is covered; any number above 1 for one that needs none
    near      (n,) how often each variable was met, 0 between moves
    met       (n + 1,) the variables met
    flipped   (n + m + 1,) what was flipped, in order
    turn      (n,) variables that are 1 and cost, in order
    inner     (n + 1,) what is 1, in any order; at last how many
    place     (n,) where in it a variable is
    fresh     (m,) rows of what came in, false between moves
"""


@kernel
def remove_all(cover: Cover, inside: Mask, room: Room, least: float, tries: int) -> None:
    """Removals until none pays, or so many have been tried; ``inside`` (n,), what is 1, is changed."""
    _, _, _, _, cost, order = cover
    _, _, _, _, turn, _, _, _ = room
    for variable in range(len(inside)):
        if inside[variable]:
            inside[variable] = False
            _flip(cover, inside, room, variable)
    pays = True
    while pays:
        pays, turns = False, 0
        for variable in order:
            if inside[variable] and cost[variable] > 0:
                turn[turns] = variable
                turns += 1
        for place in range(turns):
            if inside[turn[place]]:
                if tries == 0:
                    return
                tries -= 1
                pays |= _remove(cover, inside, room, turn[place], least)


@part
def _flip(cover: Cover, inside: Mask, room: Room, variable: int) -> float:
    """A variable goes to the other value; what that adds to the cost."""
    _, _, start, row, cost, _ = cover
    count, _, _, _, _, inner, place, _ = room
    step = -1 if inside[variable] else 1
    inside[variable] = step > 0
    for cell in range(start[variable], start[variable + 1]):
        count[row[cell]] += step
    if step > 0:
        inner[inner[-1]], place[variable] = variable, inner[-1]
        inner[-1] += 1
    else:
        inner[-1] -= 1
        last = inner[inner[-1]]
        inner[place[variable]], place[last] = last, place[variable]
    return float(step * cost[variable])


@part
def _remove(cover: Cover, inside: Mask, room: Room, variable: int, least: float) -> bool:
    """Whether it paid; if not, all is as it was."""
    _, near, met, flipped, _, _, _, _ = room
    total = _flip(cover, inside, room, variable)
    flipped[0], flips = variable, 1
    bare, meets = _meet(cover, room, variable)
    while bare > 0:
        other = _best(cover[4], room, meets, variable)
        if other < 0:
            break
        bare -= _leave(cover, room, other)
        total += _flip(cover, inside, room, other)
        flipped[flips] = other
        flips += 1
    for place in range(meets):
        near[met[place]] = 0
    if bare == 0:
        more, flips = _drop(cover, inside, room, flips)
        if total + more < -least:
            return True
    for place in range(flips - 1, -1, -1):
        _flip(cover, inside, room, flipped[place])
    return False


@part
def _meet(cover: Cover, room: Room, variable: int) -> tuple[int, int]:
    """Meets what covers the rows that a variable leaves bare, and counts these; how many rows, and who were met."""
    begin, member, start, row, _, _ = cover
    count, near, met, _, _, _, _, _ = room
    bare, meets = 0, 0
    for place in range(start[variable], start[variable + 1]):
        if count[row[place]] == 0:
            bare += 1
            for cell in range(begin[row[place]], begin[row[place] + 1]):
                other = member[cell]
                # Without a branch, as no one can tell who is met for the first time.
                met[meets] = other
                meets += near[other] == 0
                near[other] += 1
    return bare, meets


@part
def _leave(cover: Cover, room: Room, variable: int) -> int:
    """How many bare rows a variable covers; for others of these rows they count no more."""
    begin, member, start, row, _, _ = cover
    count, near, _, _, _, _, _, _ = room
    covers = 0
    for place in range(start[variable], start[variable + 1]):
        if count[row[place]] == 0:
            covers += 1
            for cell in range(begin[row[place]], begin[row[place] + 1]):
                near[member[cell]] -= 1
    return covers


@part
def _best(cost: Array, room: Room, meets: int, not_this: int) -> int:
    """Which of those met covers most of the bare rows for its cost, of several the first; -1 if no other can."""
    _, near, met, _, _, _, _, _ = room
    best, least = -1, np.inf
    for place in range(meets):
        other = met[place]
        if near[other] > 0 and other != not_this:
            price = cost[other] / near[other]
            if price < least or (price == least and other < best):
                best, least = other, price
    return best if np.isfinite(least) else -1


@part
def _drop(cover: Cover, inside: Mask, room: Room, flips: int) -> tuple[float, int]:
    """What shares rows with variables that came in, and is not needed any more, goes to 0, the dearest first.

    Returns:
        What that adds to the cost; how many variables are flipped by then.
    """
    _, _, start, row, cost, _ = cover
    _, _, met, flipped, _, inner, _, fresh = room
    _mark(cover, inside, room, flips, True)
    needless = 0
    for place in range(inner[-1]):
        variable = inner[place]
        if cost[variable] > 0 and _is_needless(cover, room, variable):
            for cell in range(start[variable], start[variable + 1]):
                if fresh[row[cell]]:
                    met[needless] = variable
                    needless += 1
                    break
    _mark(cover, inside, room, flips, False)
    total = 0.0
    for done in range(needless):
        dearest = done
        for place in range(done + 1, needless):
            one, other = cost[met[place]], cost[met[dearest]]
            if one > other or (one == other and met[place] < met[dearest]):
                dearest = place
        met[done], met[dearest] = met[dearest], met[done]
        # Others that have gone may have made it needed.
        if _is_needless(cover, room, met[done]):
            total += _flip(cover, inside, room, met[done])
            flipped[flips] = met[done]
            flips += 1
    return total, flips


@part
def _mark(cover: Cover, inside: Mask, room: Room, flips: int, fresh: bool) -> None:
    """Marks the rows of what came in, or takes the marks off."""
    _, _, start, row, _, _ = cover
    _, _, _, flipped, _, _, _, marks = room
    for came in range(flips):
        if inside[flipped[came]]:
            for place in range(start[flipped[came]], start[flipped[came] + 1]):
                marks[row[place]] = fresh


@part
def _is_needless(cover: Cover, room: Room, variable: int) -> bool:
    """Whether others cover all that a variable does."""
    _, _, start, row, _, _ = cover
    count, _, _, _, _, _, _, _ = room
    needless = True
    for place in range(start[variable], start[variable + 1]):
        if count[row[place]] < 2:
            needless = False
            break
    return needless
