"""Rounding search: breakpoint after breakpoint until all rows hold, then down the cost, then perturbed.

What is looked for is what the entries are decoded to, so violations are those of 0 and 1. A step leads just past the
next breakpoint, where rounding changes first: what is least sure for what it mends; where many rows are violated, past
as many breakpoints as there are hundreds of them. Where all rows hold, the same step
goes down the cost as far as rows have slack. Where that ends, of the entries whose flip would lower the cost one that
has not been tried is flipped and held, rows are mended around it, and what comes of it is taken if it is better and
taken back if not (iterated local search, Lourenco et al. 2003). Where only rising entries lower the cost, some more
than others, it is the one that loses least: what stands in its way, less what it gains. What stands in its way is what
is 1 in its rows without slack; who does so in several rows is counted in each, so its gain is divided by the root of
the number of its rows. Else it is the least sure.

Entries that need not be 0 or 1 move along, but have no breakpoints. Of each sample the best on the way is kept. Samples
do not see each other: each walks alone, on the CPU, in a compiled loop (``becalm_programs.search.kernels.rounding``).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from becalm_programs.problem.arrays import Indices, Values
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.program import Array
from becalm_programs.problem.standard_form import WHOLE, StandardForm
from becalm_programs.search.kernels.moves import no_moves
from becalm_programs.search.kernels.rounding import walk
from becalm_programs.search.kernels.rows import CELL, ROW, SLACK, Rows
from becalm_programs.search.kernels.sets import BETWEEN, MEMBER, SINGLE, Sets

BULK = 256
"""Violated rows for each entry that a step flips: of so many, few share a row."""


def rounding_search(
    block: BlockDiagonal, logit: Tensor, steps: int, *, descend: bool, patience: int, bulk: int = BULK
) -> Tensor:
    """Entries (N, K) as decoded, after at most so many steps; of each sample the best on the way.

    Of what is rounded, the best is the least violated, and of those without violation the one of least cost.

    Args:
        logit: (N, K).
        descend: Go on down the cost where all rows hold.
        patience: Steps without anything better after which a feasible sample is left.
        bulk: Violated rows for each entry that a step flips; with fewer it flips one.
    """
    ended = np.empty(logit.shape)
    starts = logit.detach().cpu().double().numpy()
    first = 0
    for form in block.forms:
        entries = slice(first, first + len(form.cost))
        ended[entries] = _search(form, starts[entries], steps, bulk, descend, patience)
        first = entries.stop
    return torch.from_numpy(ended).to(logit)


def _search(form: StandardForm, logit: Array, steps: int, bulk: int, descend: bool, patience: int) -> Array:
    """``rounding_search`` of one program."""
    rows, sets, kind = _rows(form), _sets(form), _kind(form)
    cost = form.cost.double().cpu().numpy()
    rising = bool(cost.max() <= 0 and cost.min() < cost.max())
    ended = np.empty(logit.shape)
    # Room is made once: fresh pages for each sample would take a tenth of the time.
    (record, by_row, start, by_entry, above, below), (begin, member, set_of, chosen, tied) = rows, sets
    own, best, work = record.copy(), np.empty(len(cost)), tuple(np.empty((5, len(cost))))
    moves = no_moves(len(cost), len(begin) - 1)
    for sample in range(logit.shape[1]):
        own[:], chosen[:] = record, -1
        for room in (above, below, tied, *work, *moves):
            room.fill(0)
        anew = (own, by_row, start, by_entry, above, below), (begin, member, set_of, chosen, tied)
        walk(*anew, kind, cost, logit[:, sample].copy(), best, moves, work, steps, bulk, descend, patience, rising)
        ended[:, sample] = best
    return ended


def _rows(form: StandardForm) -> Rows:
    """The rows of a standard form as the compiled search takes them, all that is found on the way at 0."""
    arrays, size = form.arrays, len(form.cost)
    record = np.zeros(len(form.low) + 1, ROW)
    record["start"], record["low"][:-1], record["high"][:-1] = arrays.row_start, form.low.cpu(), form.high.cpu()
    length = np.diff(arrays.row_start)
    row = np.repeat(np.arange(len(length)), length)
    mean = np.bincount(row, weights=np.abs(arrays.row_value), minlength=len(length)) / np.maximum(length, 1)
    record["flip"][:-1] = np.maximum(mean * SLACK, 1e-12)
    record["flip"][form.group[form.group >= 0].cpu()] = -np.inf
    return (
        record,
        _cells(arrays.row_column, arrays.row_value),
        arrays.column_start,
        _cells(arrays.column_row, arrays.column_value),
        np.zeros(size),
        np.zeros(size),
    )


def _cells(at: Indices, value: Values) -> Any:
    cells = np.empty(len(at), CELL)
    cells["at"], cells["value"] = at, value
    return cells


def _kind(form: StandardForm) -> Indices:
    """(N,) kind of each entry."""
    whole = np.where(form.features[:, WHOLE].cpu() > 0, SINGLE, BETWEEN)
    return np.where(form.group.cpu() >= 0, MEMBER, whole)


def _sets(form: StandardForm) -> Sets:
    """The sets of entries of which exactly one is 1."""
    group = form.group.cpu().numpy()
    inside = np.flatnonzero(group >= 0)
    _, number, sizes = np.unique(group[inside], return_inverse=True, return_counts=True)
    set_of = np.full(len(group), -1)
    set_of[inside] = number
    start = np.concatenate([[0], np.cumsum(sizes)])
    count = len(sizes)
    return start, inside[np.argsort(number, kind="stable")], set_of, np.full(count, -1), np.zeros(count, np.bool_)
