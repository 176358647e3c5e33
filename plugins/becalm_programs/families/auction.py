"""Combinatorial auctions: accept the bids that pay most, no item sold twice.

The "arbitrary" scheme of CATS (Leyton-Brown et al. 2000, section 4.3), with the constants of Gasse et al.
2019: bundles grow by items that suit the bidder and each other; a bidder may offer up to five substitutes, which share
an item with the first bundle. As there, a dummy item makes a bidder's bids exclude each other when there are more than
two of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program

_LEAST, _MOST = 1.0, 100.0  # Common values of items.
_DEVIATION = 0.5  # Of a bidder's own values, of _MOST.
_GROW = 0.7  # Chance that a bundle gets another item.
_SUBSTITUTES = 5
_ADDITIVITY = 0.2
_BUDGET = 1.5  # A substitute costs at most so many times the first bundle,
_RESALE = 0.5  # and is worth at least so many times it.

Vector = npt.NDArray[np.float64]
Bids = dict[tuple[int, ...], float]


@dataclass(frozen=True, slots=True)
class Auction:
    """Sizes.

    Raises:
        UserError: If there are fewer than two items or no bid.
    """

    items: int
    bids: int

    def __post_init__(self) -> None:
        if self.items < 2 or self.bids < 1:
            raise UserError(f"an auction must have at least 2 items and 1 bid, got {self}")

    def program(self, random: np.random.RandomState) -> Program:
        """One instance: a row for each item or bidder that two or more bids compete for, or one bid wants."""
        market = _Market.draw(self.items, random)
        bundles: list[tuple[int, ...]] = []
        prices: list[float] = []
        dummies = 0
        while len(bundles) < self.bids:
            bids = market.bidder(self.bids - len(bundles), random)
            dummy: tuple[int, ...] = ()
            if len(bids) > 2:
                dummy = (self.items + dummies,)
                dummies += 1
            for bundle, price in bids.items():
                bundles.append(bundle + dummy)
                prices.append(price)
        return _program(bundles, prices, self.items, dummies)


@dataclass(frozen=True, slots=True)
class _Market:
    """What items are worth, (items,), and how well they go together, (items, items)."""

    values: Vector
    compatible: Vector

    @classmethod
    def draw(cls, items: int, random: np.random.RandomState) -> "_Market":
        values = _LEAST + (_MOST - _LEAST) * random.rand(items)
        upper = np.triu(random.rand(items, items), k=1)
        both = upper + upper.T
        return cls(values, both / both.sum(axis=1))

    def bidder(self, room: int, random: np.random.RandomState) -> Bids:
        """The bids of one bidder, at most ``room``, by bundle; none if the first bundle has a negative price."""
        interest = random.rand(len(self.values))
        private = self.values + _MOST * _DEVIATION * (2 * interest - 1)
        start = int(_draw(interest[None], random)[0])
        size = 1
        while size < len(interest) and random.rand() < _GROW:
            size += 1
        (bundle,) = self._bundles((start,), size, interest, random)
        price = _price(private, bundle)
        if price < 0:
            return {}
        bids = {bundle: price}
        others = self._bundles(bundle, size, interest, random)
        priced = sorted(((_price(private, other), other) for other in others), key=lambda pair: -pair[0])
        worth = self.values[list(bundle)].sum()
        for other_price, other in priced:
            if len(bids) > _SUBSTITUTES or len(bids) >= room:
                break
            worthy = self.values[list(other)].sum() >= _RESALE * worth
            if 0 <= other_price <= _BUDGET * price and worthy and other not in bids:
                bids[other] = other_price
        return bids

    def _bundles(
        self, starts: tuple[int, ...], size: int, interest: Vector, random: np.random.RandomState
    ) -> list[tuple[int, ...]]:
        """For each start, items that go with it, with each other and with the bidder's interests."""
        each = np.arange(len(starts))
        chosen = np.array(starts)[:, None]
        free = np.tile(interest, (len(starts), 1))
        free[each, chosen[:, 0]] = 0.0
        suits = self.compatible[chosen[:, 0]]
        for _ in range(size - 1):
            items = _draw(free * suits, random)
            chosen = np.column_stack([chosen, items])
            free[each, items] = 0.0
            suits += self.compatible[items]
        return [tuple(sorted(bundle)) for bundle in chosen.tolist()]


def _draw(weights: Vector, random: np.random.RandomState) -> npt.NDArray[np.intp]:
    """An index for each row of weights (B, items), by weight."""
    sums = np.cumsum(weights, axis=1)
    # The last sum is above the threshold in all but rounding; an index of weight 0 is never drawn.
    return np.asarray((sums > random.rand(len(sums), 1) * sums[:, -1:]).argmax(axis=1))


def _price(private: Vector, bundle: tuple[int, ...]) -> float:
    return float(private[list(bundle)].sum() + len(bundle) ** (1 + _ADDITIVITY))


def _program(bundles: list[tuple[int, ...]], prices: list[float], items: int, dummies: int) -> Program:
    bids = np.repeat(np.arange(len(bundles)), [len(bundle) for bundle in bundles])
    wanted = np.concatenate([np.array(bundle) for bundle in bundles])
    matrix: Any = sparse.csr_array((np.ones(len(bids)), (wanted, bids)), shape=(items + dummies, len(bundles)))
    used = np.flatnonzero(np.diff(matrix.indptr))
    names = [f"item{index}" if index < items else f"bidder{index - items}" for index in used.tolist()]
    return from_arrays(prices, matrix[used], row_high=1.0, row_names=names, maximise=True)


PRESETS = {"tiny": Auction(6, 10), "small": Auction(50, 150), "paper": Auction(500, 1500)}
