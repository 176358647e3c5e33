"""Tiny programs at random, all numbers of them quarters, judged by plain sums: what files of them must be read as."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.verify import verify

INF = float("inf")


class Dialect(random.Random):
    """Randomness, and whether only what all readers share may be drawn."""

    def __init__(self, seed: str, *, common: bool = False) -> None:
        super().__init__(seed)
        self.common = common

    def rare(self, share: float) -> bool:
        """True in a share of cases, if what some readers do not know may be drawn."""
        return self.random() < share and not self.common

    def spelling(self, common: Sequence[str], rare: Sequence[str]) -> str:
        return self.choice([*common, *rare] if not self.common else common)


@dataclass(frozen=True)
class Row:
    terms: dict[str, float]
    low: float
    high: float


@dataclass(frozen=True)
class Variable:
    low: float = 0.0
    high: float = INF
    integer: bool = False

    @property
    def binary(self) -> bool:
        return (self.low, self.high, self.integer) == (0.0, 1.0, True)


@dataclass(frozen=True)
class Tiny:
    maximise: bool
    cost: dict[str, float]
    offset: float
    rows: dict[str, Row]
    variables: dict[str, Variable]


def quarter(draw: random.Random, most: int = 3) -> float:
    return float(draw.randint(-most, most)) if draw.random() < 0.8 else draw.randint(-4 * most, 4 * most) / 4


def variable(draw: random.Random) -> Variable:
    low, width = draw.randint(-2, 2), draw.randint(0, 3)
    kinds = (
        Variable(0.0, 1.0, True),
        Variable(0.0, 1.0, True),
        Variable(low, low + width, True),
        Variable(0.0, width, True),
        Variable(0.0, INF, True),
        Variable(),
        Variable(low, low + width / 2),
        Variable(-INF, INF, draw.random() < 0.5),
        Variable(-INF, low),
        Variable(low, low),
    )
    return draw.choice(kinds)


def row(draw: random.Random, names: list[str], ranged: bool) -> Row:
    chosen = draw.sample(names, draw.randint(1, len(names)))
    terms = {name: quarter(draw) or 1.0 for name in chosen}
    first, second = sorted((quarter(draw, 5), quarter(draw, 5)))
    sides = [(first, INF), (-INF, second), (first, first), (first, INF), *([(first, second)] if ranged else [])]
    return Row(terms, *draw.choice(sides))


def tiny(draw: random.Random, names: tuple[str, ...], *, ranged: bool = True) -> Tiny:
    """A program of up to 4 variables, named from ``names``, and up to 3 rows, some with two different sides."""
    used = draw.sample(names, draw.randint(1, min(4, len(names))))
    return Tiny(
        maximise=draw.random() < 0.5,
        cost={name: quarter(draw) for name in used if draw.random() < 0.8},
        offset=quarter(draw) if draw.random() < 0.3 else 0.0,
        rows={f"r{place}": row(draw, used, ranged) for place in range(draw.randint(1, 3))},
        variables={name: variable(draw) for name in used},
    )


def differs(found: Program, meant: Tiny) -> str:
    """What a program that was read has otherwise than it was meant; nothing if all is the same."""
    if set(found.names) != set(meant.variables) or list(found.row_names) != list(meant.rows):
        return f"names {found.names} and {found.row_names}"
    order = [found.names.index(name) for name in meant.variables]
    x = points(meant)
    right = np.zeros((len(x), len(order)))
    right[:, order] = x
    values, fits = judged(meant, dict(zip(meant.variables, x.T, strict=True)))
    if found.maximise != meant.maximise or not np.array_equal(objective(found, right), values):
        return "the objective"
    if not np.array_equal(verify(found, right).feasible, fits):
        return "what is feasible"
    limits = [(found.low[at], found.high[at], bool(found.integer[at])) for at in order]
    return "" if limits == [(one.low, one.high, one.integer) for one in meant.variables.values()] else "bounds"


def points(meant: Tiny) -> Array:
    """All points of a grid that goes over the bounds by a half, (K, n)."""
    sides = np.arange(-2.0, 4.5, 0.5 if len(meant.variables) < 3 else 1.0)
    return np.array(list(product(sides, repeat=len(meant.variables))))


def judged(meant: Tiny, point: dict[str, Array]) -> tuple[Array, Array]:
    """The objective of points (K,) given by variable, and whether each is feasible; sums of quarters are exact."""
    nothing = np.zeros(len(next(iter(point.values()))))
    sums = [
        (sum((size * point[name] for name, size in row.terms.items()), nothing), row.low, row.high)
        for row in meant.rows.values()
    ]
    sums += [(point[name], one.low, one.high) for name, one in meant.variables.items()]
    fits = [(low <= total) & (total <= high) for total, low, high in sums]
    fits += [point[name] == np.rint(point[name]) for name, one in meant.variables.items() if one.integer]
    return meant.offset + sum((size * point[name] for name, size in meant.cost.items()), nothing), np.all(fits, axis=0)
