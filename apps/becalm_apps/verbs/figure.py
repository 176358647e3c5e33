"""Figures for people: a value, its interval, and what real data reach, from the numbers of ``Domain.metrics``.

    {"fid": 1.9, "fid_low": 1.7, "fid_high": 2.1, "fid_floor": 1.8, "feasible": 0.98}

NAME_low and NAME_high are the ends of the 95 % interval of NAME, and NAME_floor is the same figure of real data, as
many of them as there are samples; it may have an interval as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with all that belongs to it.

    Attributes:
        name: Its stable key, without spaces.
        interval: Ends of the 95 % interval, None where it has none.
        floor: The same of as many real data, None where there are not as many.
    """

    name: str
    value: float
    interval: Interval | None = None
    floor: float | None = None
    floor_interval: Interval | None = None


def figures(metrics: Mapping[str, float]) -> list[Figure]:
    """The figures among the numbers of a domain, in their order."""
    parts = {
        f"{name}{end}" for name in metrics for end in ("_low", "_high", "_floor", "_floor_low", "_floor_high")
    } & metrics.keys()
    return [
        Figure(name, value, _interval(metrics, name), metrics.get(f"{name}_floor"), _interval(metrics, f"{name}_floor"))
        for name, value in metrics.items()
        if name not in parts
    ]


def table(
    metrics: Mapping[str, float], label: Callable[[str], str] = str
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows of a table of figures; without intervals and floors there are no columns for them.

    Args:
        label: A figure's name for people, by its key.
    """
    found = figures(metrics)
    cells = [
        (label(one.name), f"{one.value:.4g}", _ends(one.interval), _floor(one), _ends(one.floor_interval))
        for one in found
    ]
    heads = ("figure", "value", "95 %", "real data", "95 % of these")
    shown = [0, 1, *(column for column in (2, 3, 4) if any(row[column] for row in cells))]
    return tuple(heads[column] for column in shown), [tuple(row[column] for column in shown) for row in cells]


def _interval(metrics: Mapping[str, float], name: str) -> Interval | None:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return None if low is None or high is None else (low, high)


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}"


def _floor(figure: Figure) -> str:
    return "" if figure.floor is None else f"{figure.floor:.4g}"
