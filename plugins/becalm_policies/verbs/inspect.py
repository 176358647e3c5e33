"""``becalm policies inspect``: what a file of demonstrations holds, and what may be wrong with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from becalm.files import atomic
from becalm.plugin.report import Progress, Table
from becalm.provenance import record, write
from becalm_policies.demonstrations.doubts import columns, doubts, too_short
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.demonstrations.windows import HISTORY, HORIZON, TAIL
from becalm_policies.formats.source import load
from becalm_policies.formats.tables import Selection
from becalm_policies.options import InspectOptions
from becalm_policies.views.demonstration_plot import plot_demonstrations

_DIGITS = 4


def run(options: InspectOptions) -> Iterator[str | Progress | Table]:
    """Prints tables and writes the picture.

    Raises:
        UserError: If the demonstrations cannot be read or the picture cannot be written.
    """
    path = Path(options.out)
    atomic.check(path, (".png",))
    episodes = load(options.file, Selection(options.observe.keys, options.action_key, options.subset))
    yield _overview(episodes, options.file)
    for title, values, names in columns(episodes):
        yield _dimensions(title, values, names)
    yield _spread(episodes)
    for warning in (*warnings(episodes), *_short(episodes)):
        yield f"warning: {warning}"
    write(path, plot_demonstrations(episodes).content, record("policies inspect", options))
    yield f"wrote {path}"


def warnings(episodes: Episodes) -> list[str]:
    """What may be wrong: one sentence each, see ``demonstrations.doubts``."""
    return doubts(episodes)


def _short(episodes: Episodes) -> list[str]:
    """Episodes that a policy of the usual settings does not learn from."""
    return too_short(episodes, history=HISTORY, horizon=HORIZON, tail=TAIL)


def _overview(episodes: Episodes, name: str) -> Table:
    spec = episodes.spec
    left_out = spec.get("left_out") or []
    rows = [
        ("format", spec.get("format", "becalm")),
        ("environment", episodes.environment or "unknown"),
        ("source", spec.get("source") or "unknown"),
        ("episodes", len(episodes)),
        ("steps", len(episodes.actions)),
        ("observation entries", episodes.observations.shape[1]),
        ("action entries", episodes.actions.shape[1]),
        ("control rate, Hz", episodes.rate or "unknown"),
        ("rewards", "no" if episodes.rewards is None else "yes"),
        ("ended by the environment", "unknown" if episodes.terminated is None else int(episodes.terminated.sum())),
        ("observation after the last action", "no" if episodes.last is None else "yes"),
    ]
    for title, held in (("observed", "keys"), ("action", "action_keys"), ("parts (--subset)", "subsets")):
        if isinstance(counts := spec.get(held), dict) and counts:
            rows.append((title, ", ".join(f"{name} ({count})" for name, count in counts.items())))
    for name, frames in episodes.cameras.items():
        rows.append((f"camera {name}", f"pictures of {frames.size[0]} x {frames.size[1]}"))
    if left_out:
        rows.append(("left out", ", ".join(map(str, left_out))))
    return Table(("what", "value"), tuple(rows), name)


def _dimensions(title: str, values: Array, names: list[str]) -> Table:
    figures = zip(names, values.min(0), values.mean(0), values.max(0), values.std(0), strict=True)
    rows = tuple((name, *(_round(value) for value in rest)) for name, *rest in figures)
    return Table((title, "low", "mean", "high", "std"), rows, f"{title}s")


def _spread(episodes: Episodes) -> Table:
    """Lengths and returns over episodes."""
    rows = [("steps", *_quantiles(episodes.lengths.astype(np.float64)))]
    if episodes.returns is not None:
        rows.append(("return", *_quantiles(episodes.returns)))
    return Table(("per episode", "min", "lower quarter", "median", "upper quarter", "max"), tuple(rows), "episodes")


def _quantiles(values: Array) -> list[float]:
    return [_round(value) for value in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))]


def _round(value: float) -> float:
    """To the digits worth reading, small or large."""
    return float(f"{value:.{_DIGITS}g}") if abs(value) < 10**_DIGITS else round(float(value))
