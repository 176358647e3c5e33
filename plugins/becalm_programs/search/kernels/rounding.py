"""The rounding search of one sample (see ``becalm_programs.search.rounding``).

A step passes once over the entries, and its flips cost what their rows hold. Where many rows are violated, it leads
past many breakpoints at once: mending a large program takes few more steps than a small one.
"""

from typing import Any

import numpy as np

from becalm_programs.compiled import kernel, part
from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.search.kernels.moves import Moves, push, push_all, still
from becalm_programs.search.kernels.perturbation import FIRM, PACE, held, losses, untried
from becalm_programs.search.kernels.rows import Rows, blocked, look_at_new, prepare, rise, violation
from becalm_programs.search.kernels.sets import BETWEEN, MEMBER, SINGLE, Sets, leader
from becalm_programs.search.kernels.sort import least

_FAR = 1e6
"""More than any cost: what has no violation is better than what has."""
_GROWTH = 0.05
"""What a violated row's weight grows by in a step."""
_MEND = 40
"""Steps for rows to hold again after a flip."""
_LARGEST = 1e9
"""Size of a logit beyond which it stays, so that all are finite; for entries that need not be whole ``FIRM``."""
_LESS = 1e-7
"""What is better by no more than this is not better."""


@kernel
def walk(
    rows: Rows,
    sets: Sets,
    kind: Indices,
    cost: Array,
    logit: Array,
    best: Array,
    moves: Moves,
    work: Any,
    steps: int,
    bulk: int,
    descend: bool,
    patience: int,
    rising: bool,
) -> int:
    """Searches from logits (N,), writes the best entries on the way to ``best`` (N,), and returns the steps it took.

    Args:
        rows: All that is found, at 0.
        kind: (N,) of each entry. cost: (N,). logit: Changed on the way.
        moves: None so far. work: Five times (N,), all 0.
        bulk: Violated rows for each entry that a step flips; with fewer it flips one.
        rising: Whether only rising entries lower the cost, some more than others.
    """
    record, by_row, _, _, above, below = rows
    _, _, set_of, _, _ = sets
    p, tries, loss, best_logit, near = work
    now = record[-1]
    prepare(record)
    push_all(moves, set_of)
    total = _round(rows, sets, moves, kind, cost, logit, p, True)
    value, idle, age, stale = np.inf, 0, 0, True
    for step in range(steps + 1):
        feasible = now.place == 0
        reached = total - _FAR if feasible else violation(record)
        idle += 1
        if reached < value - _LESS:
            value, idle, stale = reached, 0, True
            for entry in range(len(p)):
                best[entry], best_logit[entry], tries[entry] = p[entry], logit[entry], 0.0
        found = value < -_FAR / 2
        if found and not (descend and idle <= patience):
            return step
        if feasible:
            _downhill(above, below, cost, moves, set_of)
        else:
            _mending(record, by_row, moves, set_of)
        eta = 0.0
        if now.place >= 2 * bulk:
            eta = _several(above, below, sets, moves, kind, logit, p, near, now.place // bulk)
        if eta == 0:
            eta = _nearest(above, below, sets, moves, kind, logit, p, not feasible)
        age += 1
        anew = False
        if descend and found and (eta == 0 if feasible else age > _MEND):
            age, anew = 0, True
            for entry in range(len(p)):
                logit[entry] = best_logit[entry]
            push_all(moves, set_of)
            total += _round(rows, sets, moves, kind, cost, logit, p, True)
            for number in range(len(record) - 1):
                record[number].weight = 1.0
            if stale and rising:
                losses(rows, cost, p, loss)
            stale = False
            entry = untried(sets, kind, cost, logit, tries, loss, rising)
            if entry >= 0:
                tries[entry] += 1
                logit[entry] = held(sets, logit, entry)
            elif eta == 0:
                return step
        elif eta == 0:
            return step
        else:
            _move(moves, kind, logit, eta)
        total += _round(rows, sets, moves, kind, cost, logit, p, anew)
    return steps


@part
def _round(
    rows: Rows, sets: Sets, moves: Moves, kind: Indices, cost: Array, logit: Array, p: Array, anew: bool
) -> float:
    """Entries that move take the values that their logits say, of a set of which one is 1 the first of the likeliest.

    Args:
        anew: Whether logits changed otherwise than by their slopes. If not, a set whose likeliest does not fall is
            looked through only where another that moved comes up to it.

    Returns:
        What that adds to the cost.
    """
    record, by_row, start, by_entry, above, below = rows
    begin, member, set_of, chosen, tied = sets
    slopes, entries, _, stirred, _, count = moves
    added = 0.0
    for place in range(count[0]):
        entry = entries[place]
        value = 1.0 if logit[entry] > 0 else 0.0
        if kind[entry] == BETWEEN:
            value = 1.0 / (1.0 + np.exp(-logit[entry]))
        if kind[entry] == MEMBER:
            likeliest = chosen[set_of[entry]]
            if not anew and entry != likeliest and logit[entry] >= logit[likeliest]:
                tied[set_of[entry]] = True
        elif value != p[entry]:
            added += cost[entry] * (value - p[entry])
            rise(record, start, by_entry, entry, value - p[entry])
            p[entry] = value
    for place in range(count[1]):
        number = stirred[place]
        if not (anew or tied[number]) and slopes[chosen[number]] <= 0:
            continue
        before, likeliest, top = chosen[number], member[begin[number]], logit[member[begin[number]]]
        tied[number] = False
        for other in range(begin[number] + 1, begin[number + 1]):
            if logit[member[other]] > top:
                likeliest, top, tied[number] = member[other], logit[member[other]], False
            elif logit[member[other]] == top:
                tied[number] = True
        if likeliest != before:
            if before >= 0:
                added -= cost[before]
                rise(record, start, by_entry, before, -1.0)
                p[before] = 0.0
            added += cost[likeliest]
            rise(record, start, by_entry, likeliest, 1.0)
            p[likeliest], chosen[number] = 1.0, likeliest
    look_at_new(record, by_row, above, below)
    return added


@part
def _downhill(above: Array, below: Array, cost: Array, moves: Moves, set_of: Indices) -> None:
    """Entries move down their cost, except those that rows without slack hold where they are."""
    still(moves)
    for entry in range(len(cost)):
        rises = cost[entry] < 0
        up, down = (above[entry], below[entry]) if rises else (below[entry], above[entry])
        if cost[entry] != 0 and not blocked(up, down):
            push(moves, set_of, entry, cost[entry])


@part
def _mending(record: Any, by_row: Any, moves: Moves, set_of: Indices) -> None:
    """Entries move down the weighted violation; weights grow before."""
    still(moves)
    for violated in range(record[-1].place):
        number = record[violated].violated
        row = record[number]
        row.weight += _GROWTH
        pull = row.weight * row.over
        for place in range(row.start, record[number + 1].start):
            push(moves, set_of, by_row[place].at, pull * by_row[place].value)


@part
def _move(moves: Moves, kind: Indices, logit: Array, eta: float) -> None:
    slopes, entries, _, _, _, count = moves
    for place in range(count[0]):
        entry = entries[place]
        largest = FIRM if kind[entry] == BETWEEN else _LARGEST
        logit[entry] = min(max(logit[entry] - eta * slopes[entry], -largest), largest)


@part
def _nearest(
    above: Array, below: Array, sets: Sets, moves: Moves, kind: Indices, logit: Array, p: Array, forced: bool
) -> float:
    """The step just past where rounding first changes an entry that rows have slack for; 0 where nothing changes.

    Where that is none, and the step is ``forced``, an entry that they have no slack for.
    """
    begin, member, set_of, _, _ = sets
    slopes, entries, _, stirred, _, count = moves
    free, first = np.inf, np.inf
    for place in range(count[0]):
        entry = entries[place]
        on, slope = p[entry] > 0, slopes[entry]
        if kind[entry] == SINGLE and (slope > 0 if on else slope < 0):
            eta = logit[entry] / slope
            first = min(first, eta)
            if eta < free:
                up, down = (below[entry], above[entry]) if on else (above[entry], below[entry])
                if not blocked(up, down):
                    free = eta
        elif kind[entry] == MEMBER and slope < 0:
            top, pace = leader(sets, logit, slopes, set_of[entry])
            gains, behind = pace - slope, top - logit[entry]
            # Where the likeliest does not fall, only what rises overtakes it.
            if pace <= PACE and gains > PACE and behind > 0:
                first = min(first, behind / gains)
                if behind / gains < free and not blocked(above[entry], below[entry]):
                    free = behind / gains
    for place in range(count[1]):
        number = stirred[place]
        top, pace = leader(sets, logit, slopes, number)
        if pace <= PACE:
            continue
        for other in range(begin[number], begin[number + 1]):
            entry = member[other]
            gains, behind = pace - slopes[entry], top - logit[entry]
            # What is no nearer than both so far is left without a division.
            if gains > PACE and behind > 0 and (behind < free * gains or behind < first * gains):
                first = min(first, behind / gains)
                if behind / gains < free and not blocked(above[entry], below[entry]):
                    free = behind / gains
    eta = first if forced and not np.isfinite(free) else free
    return eta * (1 + 1e-4) + 1e-9 if np.isfinite(eta) else 0.0


@part
def _several(
    above: Array,
    below: Array,
    sets: Sets,
    moves: Moves,
    kind: Indices,
    logit: Array,
    p: Array,
    near: Array,
    wanted: int,
) -> float:
    """The step just past where rounding changes so many entries that rows have slack for; 0 where there are none.

    Args:
        near: (N,) room to work in.
    """
    begin, member, set_of, _, _ = sets
    slopes, entries, _, stirred, _, count = moves
    size = 0
    for place in range(count[0]):
        entry = entries[place]
        on, slope = p[entry] > 0, slopes[entry]
        if kind[entry] == SINGLE and (slope > 0 if on else slope < 0):
            up, down = (below[entry], above[entry]) if on else (above[entry], below[entry])
            if not blocked(up, down):
                near[size] = logit[entry] / slope
                size += 1
        elif kind[entry] == MEMBER and slope < 0:
            top, pace = leader(sets, logit, slopes, set_of[entry])
            gains, behind = pace - slope, top - logit[entry]
            if pace <= PACE and gains > PACE and behind > 0 and not blocked(above[entry], below[entry]):
                near[size] = behind / gains
                size += 1
    for place in range(count[1]):
        number = stirred[place]
        top, pace = leader(sets, logit, slopes, number)
        if pace <= PACE:
            continue
        for other in range(begin[number], begin[number + 1]):
            entry = member[other]
            gains, behind = pace - slopes[entry], top - logit[entry]
            if gains > PACE and behind > 0 and not blocked(above[entry], below[entry]):
                near[size] = behind / gains
                size += 1
    if size == 0:
        return 0.0
    return least(near, size, min(wanted, size) - 1) * (1 + 1e-4) + 1e-9
