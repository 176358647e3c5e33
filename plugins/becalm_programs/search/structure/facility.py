"""Capacitated facility location, recognised by its rows, whatever its variables are called, and solved greedily.

Facilities are opened by cost per capacity until demand fits; customers go to the cheapest open facility with room,
those with the greatest regret (difference to their second choice) first; then one facility is closed, opened, or
exchanged for another, whatever pays most, as long as it pays (drop and add, Kuehn and Hamburger 1963; exchange, Teitz
and Bart 1968). Generic greedy fails here: taking a customer first breaks its facility's rows, and opening a facility
alone mends nothing.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from becalm_programs.problem.program import Array, Mask, Program
from becalm_programs.problem.verify import verify
from becalm_programs.search.kernels.placement import cheapest, place

_Table = npt.NDArray[np.int64]
# Most facilities closed, opened or exchanged.
_ROUNDS = 200
# Sets of open facilities judged at a time.
_AT_A_TIME = 256
_GAIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Facility:
    """The parts of a facility location of C customers and F facilities.

    Attributes:
        program: As it came.
        pair: (C, F) variable of each pair, -1 where there is none.
        demand: (C, F) what a customer takes of a facility's capacity.
        gate: (F,) variable that opens each facility.
        capacity: (F,) of each facility.
    """

    program: Program
    pair: _Table
    demand: Array
    gate: _Table
    capacity: Array

    def solve(self, cost: Array) -> Array:
        """(n,) a solution that is good for a cost; a customer that fits nowhere is left out.

        Args:
            cost: (n,) of the minimisation.
        """
        transport = np.where(self.pair >= 0, cost[self.pair], np.inf)
        fixed = cost[self.gate]
        opened = self._enough(transport, fixed)
        best = self._values(opened[None], transport, fixed)[0]
        for _ in range(_ROUNDS):
            others = _neighbours(opened)
            values = self._all_values(others, transport, fixed, below=best)
            least = int(values.argmin())
            if values[least] >= best - _GAIN:
                break
            best, opened = values[least], others[least]
        return self._write(opened, self._shift(self._serve(opened, transport), opened, transport))

    def change(self, x: Array) -> Array:
        """x (n,), a solution, with a facility closed, opened or exchanged where that pays, customers choosing anew.

        Which of the changes that pay is drawn, with x as the seed: the best would lead different solutions to one.
        """
        cost = self.program.cost
        transport, fixed = np.where(self.pair >= 0, cost[self.pair], np.inf), cost[self.gate]
        others = _neighbours(x[self.gate] > 0)
        before = float(cost @ x)
        paying = np.flatnonzero(self._all_values(others, transport, fixed, below=before) < before - _GAIN)
        if not len(paying):
            return x
        opened = others[np.random.default_rng(zlib.crc32(x.tobytes())).choice(paying)]
        changed = self._write(opened, self._shift(self._serve(opened, transport), opened, transport))
        return changed if verify(self.program, changed[None]).feasible[0] and cost @ changed < before else x

    def _enough(self, transport: Array, fixed: Array) -> Mask:
        """Facilities by cost per capacity, until every customer has a place."""
        there = self.pair >= 0
        near = np.where(there, transport, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        opened = np.zeros(len(fixed), dtype=bool)
        need = float(np.where(there, self.demand, 0.0).max(axis=1).sum())
        for facility in np.argsort((fixed + near) / self.capacity, kind="stable"):
            opened[facility] = True
            if self.capacity[opened].sum() >= need and (self._assign(opened, transport) >= 0).all():
                break
        return opened

    def _all_values(self, opened: Mask, transport: Array, fixed: Array, *, below: float) -> Array:
        """``_values`` of many sets, some at a time; inf for those that cannot come below a value."""
        values, least = np.full(len(opened), np.inf), np.empty(len(opened))
        cheapest(opened, transport, np.empty(len(fixed), np.int64), least)
        hopeful = np.flatnonzero(opened @ fixed + least < below)
        for start in range(0, len(hopeful), _AT_A_TIME):
            some = hopeful[start : start + _AT_A_TIME]
            values[some] = self._values(opened[some], transport, fixed)
        return values

    def _values(self, opened: Mask, transport: Array, fixed: Array) -> Array:
        """(S,) cost of each set of open facilities (S, F), customers placed in the order of their first regrets."""
        chosen = self._place(opened, transport)
        places = np.arange(len(transport))
        paid = np.where(chosen >= 0, transport[places, chosen], np.inf)
        return np.asarray(opened @ fixed + paid.sum(axis=1))

    def _place(self, opened: Mask, transport: Array) -> _Table:
        """(S, C) facility of each customer for each set of open ones, in the order of first regrets; -1 for no room."""
        customers, facilities = transport.shape
        chosen = np.empty((len(opened), customers), np.int64)
        work = np.empty(facilities, np.int64), np.empty(customers, np.int64), np.empty(customers)
        place(opened, transport, self.demand, self.capacity, chosen, np.empty(facilities), *work)
        return chosen

    def _serve(self, opened: Mask, transport: Array) -> _Table:
        """(C,) facility of each customer, regrets looked at anew as facilities fill; if that leaves one out, not."""
        chosen = self._assign(opened, transport)
        return chosen if (chosen >= 0).all() else self._place(opened[None], transport)[0]

    def _shift(self, chosen: _Table, opened: Mask, transport: Array) -> _Table:
        """Customers after moves of one to a cheaper open facility with room, the best first, as long as there are."""
        served = np.flatnonzero(chosen >= 0)
        left = np.where(opened, self.capacity, -1.0)
        np.subtract.at(left, chosen[served], self.demand[served, chosen[served]])
        while len(served):
            gain = transport[served, chosen[served]][:, None] - transport[served]
            gain = np.where(self.demand[served] <= left, gain, -np.inf)
            row, facility = np.unravel_index(int(gain.argmax()), gain.shape)
            if gain[row, facility] <= _GAIN:
                break
            customer = served[row]
            left[chosen[customer]] += self.demand[customer, chosen[customer]]
            left[facility] -= self.demand[customer, facility]
            chosen[customer] = facility
        return chosen

    def _assign(self, opened: Mask, transport: Array) -> _Table:
        """(C,) facility of each customer, -1 where none has room."""
        chosen = np.full(len(transport), -1)
        left = np.where(opened, self.capacity, -1.0)
        waiting = np.arange(len(transport))
        while len(waiting):
            cost_of = np.where(self.demand[waiting] <= left, transport[waiting], np.inf)
            # One more column, so that there always is a second choice.
            two = np.partition(np.column_stack([cost_of, np.full(len(cost_of), np.inf)]), 1, axis=1)
            placed = np.isfinite(two[:, 0])
            waiting, cost_of, two = waiting[placed], cost_of[placed], two[placed]
            if not len(waiting):
                break
            regret = np.minimum(two[:, 1], 1e30) - two[:, 0]
            order = np.lexsort((np.argmin(cost_of, axis=1), -regret))
            taken = self._fill(waiting[order], cost_of.argmin(axis=1)[order], left, chosen)
            waiting = np.delete(waiting, order[taken])
        return chosen

    def _fill(self, customers: _Table, facilities: _Table, left: Array, chosen: _Table) -> _Table:
        """Places customers in order as long as their facility has room; which were placed. Writes left and chosen."""
        by = np.argsort(facilities, kind="stable")
        customers, facilities = customers[by], facilities[by]
        need = self.demand[customers, facilities]
        running = np.cumsum(need)
        first = np.searchsorted(facilities, facilities)
        within = running - np.where(first > 0, running[first - 1], 0.0) <= left[facilities] + 1e-9
        # The first of each facility fits, since it fits alone.
        within[np.unique(first)] = True
        chosen[customers[within]] = facilities[within]
        np.subtract.at(left, facilities[within], need[within])
        return np.asarray(by[within])

    def _write(self, opened: Mask, chosen: _Table) -> Array:
        program = self.program
        x = np.clip(np.zeros(len(program.cost)), program.low, program.high)
        x[self.gate[opened]] = 1.0
        served = np.flatnonzero(chosen >= 0)
        x[self.pair[served, chosen[served]]] = 1.0
        return x


def _neighbours(opened: Mask) -> Mask:
    """(S, F) all sets that differ from one (F,) by a facility closed, opened, or exchanged."""
    count = len(opened)
    single = opened ^ np.eye(count, dtype=bool)
    leave, enter = (place.ravel() for place in np.meshgrid(np.flatnonzero(opened), np.flatnonzero(~opened)))
    exchanged = np.repeat(opened[None], len(leave), axis=0)
    exchanged[np.arange(len(leave)), leave] = False
    exchanged[np.arange(len(enter)), enter] = True
    return np.concatenate([single, exchanged])


@lru_cache(maxsize=2)
def recognise(program: Program) -> Facility | None:
    """The facility location that a program is, or None.

    It is one if every variable either opens a facility (the one negative coefficient of a row ``sum of demands <=
    capacity``) or is a customer's share of one (in one such row, and in one row that sums to 1, or at least 1).
    """
    rows, size = program.rows, len(program.cost)
    length = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(length)), length)
    # Rows with one side, written as at most.
    flip = np.where(np.isfinite(program.row_high), 1.0, -1.0)
    value = rows.data * flip[row]
    side = np.where(flip > 0, program.row_high, -program.row_low)
    other = np.where(flip > 0, program.row_low, -program.row_high)
    negative = np.bincount(row, weights=value < 0, minlength=len(length))
    capacity_row = (length > 2) & (side == 0) & (other == -np.inf) & (negative == 1)
    if not capacity_row.any():
        return None
    inside = capacity_row[row]
    gates = inside & (value < 0)
    gate, gate_row = rows.indices[gates], row[gates]
    share, share_row, need = (array[inside & (value > 0)] for array in (rows.indices, row, value))
    customer_row = _sums_to_one(program, row)
    places = np.flatnonzero(customer_row[row])
    kinds = np.bincount(gate, minlength=size) + 2 * np.bincount(share, minlength=size)
    served = np.bincount(rows.indices[places], minlength=size)
    if not (np.isin(kinds, (1, 2)).all() and program.binary[gate].all() and (served == (kinds == 2)).all()):
        return None
    if not ((program.low[share] == 0).all() and (program.high[share] >= 1).all()):
        return None
    facility = np.full(len(length), -1)
    facility[gate_row] = np.arange(len(gate))
    customer = np.full(len(length), -1)
    customer[customer_row] = np.arange(int(customer_row.sum()))
    whose = np.zeros(size, dtype=np.int64)
    whose[rows.indices[places]] = customer[row[places]]
    pair = np.full((int(customer_row.sum()), len(gate)), -1)
    demand = np.full(pair.shape, np.inf)
    pair[whose[share], facility[share_row]] = share
    demand[whose[share], facility[share_row]] = need
    if (pair >= 0).sum() != len(share):
        return None
    return Facility(program, pair, demand, gate.astype(np.int64), -value[gates])


def _sums_to_one(program: Program, row: npt.NDArray[np.signedinteger]) -> Mask:
    """(m,) rows of coefficient 1 whose least value is 1, or the same times -1."""
    rows = program.rows
    length = np.diff(rows.indptr)
    sign = np.ones(len(length))
    sign[length > 0] = np.sign(rows.data[rows.indptr[:-1][length > 0]])
    ones = np.bincount(row, weights=rows.data == sign[row], minlength=len(length)) == length
    return np.asarray(ones & (length > 0) & (np.where(sign > 0, program.row_low, -program.row_high) == 1))
