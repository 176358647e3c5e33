"""Random small programs for hypothesis, their solution by brute force, when two are the same, and how good one is."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Array, Program, activity, objective
from becalm_programs.solvers import solve

INF = np.inf
TRICKY = (
    "RHS",
    "BOUNDS",
    "COLUMNS",
    "ENDATA",
    "MARKER",
    "OBJ",
    "BND",
    "RNG",
    "$x",
    "*y",
    "x-1",
    "é",
    "3",
    "-1e5",
    "N",
    "FR",
)
ROWS = ("least", "most", "equal", "range", "free")
VARIABLES = ("binary", "integer", "continuous", "free", "fixed", "below", "negative")
BOUNDED = ("binary", "integer", "fixed")
"""Kinds of variables with finitely many values."""


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(whole: bool) -> st.SearchStrategy[float]:
    if whole:
        return st.integers(-9, 9).map(float)
    size = st.floats(1e-6, 1e6)
    return st.one_of(st.just(0.0), size, size.map(lambda value: -value), st.integers(-9, 9).map(float))


def names(prefix: str, count: int) -> st.SearchStrategy[tuple[str, ...]]:
    plain = st.just(tuple(f"{prefix}{index}" for index in range(count)))
    return st.one_of(plain, st.permutations(TRICKY).map(lambda order: tuple(order[:count])))


@st.composite
def sides(draw: Any, kind: str, whole: bool) -> tuple[float, float]:
    first, second = sorted((draw(numbers(whole)), draw(numbers(whole))))
    return {
        "least": (first, INF),
        "most": (-INF, first),
        "equal": (first, first),
        "range": (first, second),
        "free": (-INF, INF),
    }[kind]


@st.composite
def bounds(draw: Any, kind: str, whole: bool) -> tuple[float, float, bool]:
    """Low, high, integer."""
    low, high = draw(st.integers(-3, 3)), draw(st.integers(0, 3))
    value = draw(numbers(whole))
    return {
        "binary": (0.0, 1.0, True),
        "integer": (float(low), float(low + high), True),
        "continuous": (value, value + abs(value) + high, False),
        "free": (-INF, INF, draw(st.booleans())),
        "fixed": (float(low), float(low), draw(st.booleans())),
        "below": (-INF, float(low), draw(st.booleans())),
        "negative": (float(low) - 9, INF, draw(st.booleans())),
    }[kind]


@st.composite
def programs(draw: Any, *, whole: bool = False, kinds: tuple[str, ...] = VARIABLES) -> Program:
    """A program of up to 5 variables and 4 rows; with ``whole``, of small integers."""
    size, count = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    limits = [draw(bounds(draw(st.sampled_from(kinds)), whole)) for _ in range(size)]
    pairs = [draw(sides(draw(st.sampled_from(ROWS)), whole)) for _ in range(count)]
    entries = draw(st.lists(numbers(whole), min_size=size * count, max_size=size * count))
    return Program(
        cost=np.array(draw(st.lists(numbers(whole), min_size=size, max_size=size))),
        rows=np.array(entries, dtype=np.float64).reshape(count, size),
        row_low=np.array([low for low, _ in pairs]),
        row_high=np.array([high for _, high in pairs]),
        low=np.array([low for low, _, _ in limits]),
        high=np.array([high for _, high, _ in limits]),
        integer=np.array([integer for _, _, integer in limits]),
        names=draw(names("x", size)),
        row_names=draw(names("r", count)),
        offset=draw(numbers(whole)),
        maximise=draw(st.booleans()),
    )


def same(found: Program, expected: Program) -> bool:
    """Whether all but the name is the same; a range's sides may be off by roundings of the larger one."""
    exact = ("cost", "low", "high", "integer", "names", "row_names", "offset", "maximise")
    if not all(np.array_equal(getattr(found, field), getattr(expected, field)) for field in exact):
        return False
    ranged = np.isfinite(expected.row_low) & np.isfinite(expected.row_high) & (expected.row_low != expected.row_high)
    scale = np.where(ranged, np.maximum(np.abs(expected.row_low), np.abs(expected.row_high)), 0.0)
    for field in ("row_low", "row_high"):
        one, other = getattr(found, field), getattr(expected, field)
        close = np.abs(np.where(ranged, one - np.where(ranged, other, 0.0), 0.0)) <= 3e-16 * scale
        if not np.where(ranged, close, one == other).all():
            return False
    return found.rows.shape == expected.rows.shape and np.array_equal(found.rows.toarray(), expected.rows.toarray())


def mixed(seed: int, size: int = 10, rows: int = 6) -> Program:
    """A program of binary, integer and continuous variables, rows of both signs, some of them equations."""
    rng = random(seed)
    matrix = rng.integers(-4, 5, (rows, size)) * (rng.random((rows, size)) < 0.5)
    high = rng.choice([1.0, 1.0, 1.0, 3.0], size)
    inside = matrix @ np.floor(rng.random(size) * (high + 1))
    low = np.where(rng.random(rows) < 0.3, inside, -INF)
    integer = rng.random(size) < 0.8
    return from_arrays(rng.integers(-9, 10, size).astype(float), matrix, low, inside, high=high, integer=integer)


def points(program: Program) -> Array:
    """Every integer point within the bounds, (K, n)."""
    ranges = [np.arange(low, high + 1) for low, high in zip(program.low, program.high, strict=True)]
    return np.array(list(product(*ranges)), dtype=np.float64)


def brute(program: Program) -> tuple[Array, float | None]:
    """All feasible integer points, and the best objective in the original's sense, if there is any."""
    x = points(program)
    sums = activity(program, x)
    x = x[((sums >= program.row_low - 1e-9) & (sums <= program.row_high + 1e-9)).all(axis=1)]
    if not len(x):
        return x, None
    values = objective(program, x)
    return x, float(values.max() if program.maximise else values.min())


def behind(program: Program, x: Array) -> float:
    """By what share the best of x is worse than what HiGHS finds in a moment; negative if it is better."""
    best = solve(program, "highs", seconds=0.5).objective
    found = objective(program, x)
    return float((best - found.max() if program.maximise else found.min() - best) / abs(best))


def permuted(program: Program, columns: np.ndarray, rows: np.ndarray) -> Program:
    """The program with its variables and rows in another order."""
    return from_arrays(
        (-program.cost if program.maximise else program.cost)[columns],
        program.rows[rows][:, columns],
        row_low=program.row_low[rows],
        row_high=program.row_high[rows],
        low=program.low[columns],
        high=program.high[columns],
        integer=program.integer[columns],
        maximise=program.maximise,
    )
