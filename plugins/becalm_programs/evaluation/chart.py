"""An evaluation as a picture: how feasible and how far off each method is, and what solvers have by when."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from becalm.domain import Picture
from becalm_programs.evaluation.judge import Cell, Score, gap, incumbent
from becalm_programs.evaluation.tables import Rows
from becalm_programs.problem.program import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NETWORKS = ("#1d4ed8", "#0891b2", "#4f46e5")
_BARE, _OTHER, _INK = "#d97706", "#6b7280", "#111111"
_SOLVERS = ("#059669", "#7c3aed", "#be185d")
_MARKS = {"unguided": "x", "guided": "o", "projection": "s", "1-opt": "^", "repair": "D", "completion": "*"}
_LEAST, _MOST = 1.0, 1000.0
"""Percent: below, the axes of gaps are linear, above logarithmic; from the second on, gaps are drawn there."""
_TICKS = (0.0, 1.0, 10.0, 100.0, _MOST)
_WORDS = ("0", "1", "10", "100", "1000+")


def draw(rows: Rows, solvers: Sequence[str], best: Mapping[str, float], title: str) -> Picture:
    """The picture: feasible share and gap of each method side by side, then gap against time.

    Args:
        solvers: Which of the rows are.
        best: Best known objectives by digest.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 2 + 0.3 * max(len(rows), 11)), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(0.45, 1.0, 1.25))
    figure.suptitle(title)
    scored = {name: Score.of(cells, best) for name, cells in rows.items()}
    colours = _colours(rows, solvers)
    _shares(left, scored, colours)
    _gaps(middle, scored, colours)
    _times(right, rows, scored, solvers, colours, best)
    return Picture.of_figure(figure)


def _shares(axis: "Axes", scored: Mapping[str, Score], colours: Mapping[str, str]) -> None:
    shares = [100 * score.samples for score in scored.values()]
    axis.barh(range(len(scored)), shares, color=[colours[name] for name in scored], alpha=0.35)
    for place, share in enumerate(shares):
        axis.text(2, place, f"{share:.4g}", va="center", fontsize=8, color=_INK)
    axis.set_yticks(range(len(scored)), list(scored))
    axis.set_ylim(len(scored) - 0.5, -0.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("samples feasible, %")


def _gaps(axis: "Axes", scored: Mapping[str, Score], colours: Mapping[str, str]) -> None:
    """From the best of K, a stroke, to the mean, a dot."""
    for place, (name, score) in enumerate(scored.items()):
        if math.isnan(score.gap):
            axis.text(0.05, place, "nothing feasible", va="center", fontsize=8, color=_OTHER)
            continue
        mean, least = _drawn(score.gap), _drawn(score.gap_best)
        axis.plot([least, mean], [place, place], color=colours[name], linewidth=2)
        axis.plot(least, place, "|", color=colours[name], markersize=12, markeredgewidth=2)
        axis.plot(mean, place, "o", color=colours[name], markersize=7)
        words = f"{100 * score.gap:.3g}" if score.gap < 10 else f"{100 * score.gap:.0f}"
        axis.annotate(words, (max(mean, least), place), (8, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set_yticks([])
    axis.set_ylim(len(scored) - 0.5, -0.5)
    axis.set_xscale("symlog", linthresh=_LEAST)
    axis.set_xlim(-0.1, 2 * _MOST)
    axis.set_xticks(_TICKS, _WORDS)
    axis.grid(axis="x", alpha=0.2)
    axis.set_xlabel("gap, %: mean (dot), best of K (stroke)")


def _times(
    axis: "Axes",
    rows: Rows,
    scored: Mapping[str, Score],
    solvers: Sequence[str],
    colours: Mapping[str, str],
    best: Mapping[str, float],
) -> None:
    """Solvers' mean gap over time, and where each method stands when it is done."""
    used: set[str] = set()
    for name in (name for name in solvers if rows.get(name)):
        moments = _moments(rows[name])
        axis.step(moments, _over_time(rows[name], moments, best), where="post", color=colours[name], label=name)
    for name, score in scored.items():
        if name in solvers or math.isnan(score.gap_best):
            continue
        tier = name.rpartition(", ")[2]
        used.add(tier)
        axis.plot(score.seconds, _drawn(score.gap_best), _MARKS.get(tier, "P"), color=colours[name], markersize=7)
        if tier not in _MARKS:
            place = (score.seconds, _drawn(score.gap_best))
            axis.annotate(name, place, (6, 4), textcoords="offset points", fontsize=8, color=_OTHER)
    for tier in (tier for tier in _MARKS if tier in used):
        axis.plot([], [], _MARKS[tier], color=_OTHER, label=tier)
    axis.set_xscale("log")
    axis.set_yscale("symlog", linthresh=_LEAST)
    axis.set_ylim(-0.1, 2 * _MOST)
    axis.set_yticks(_TICKS, _WORDS)
    axis.grid(alpha=0.2)
    axis.set_xlabel("seconds")
    axis.set_ylabel("gap of the best solution by then, %; solvers without one: 100")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _moments(cells: Sequence[Cell]) -> Array:
    """Times at which the solvers' curve is drawn, evenly in their logarithm."""
    last = max(cell.seconds for cell in cells)
    return np.geomspace(min(0.01, last / 10), last, 200)


def _over_time(cells: Sequence[Cell], moments: Array, best: Mapping[str, float]) -> Array:
    """(T,) percent, mean over instances."""
    counted = [cell for cell in cells if cell.digest in best]
    total = np.zeros(len(moments))
    for cell in counted:
        for place, moment in enumerate(moments):
            value = incumbent(cell.trajectory, float(moment))
            off = 1.0 if value is None else float(gap(value, best[cell.digest], cell.maximise))
            total[place] += 100 * min(off, 1.0)
    return total / max(1, len(counted))


def _drawn(share: float) -> float:
    """A gap in percent, as far as it is drawn."""
    return min(100 * share, _MOST)


def _colours(rows: Rows, solvers: Sequence[str]) -> dict[str, str]:
    """One for each label: networks, none, solvers, the rest."""
    colours: dict[str, str] = {}
    networks: dict[str, str] = {}
    for name in rows:
        label, _, tier = name.rpartition(", ")
        if name in solvers:
            colours[name] = _SOLVERS[list(solvers).index(name) % len(_SOLVERS)]
        elif label == "no network":
            colours[name] = _BARE
        elif tier in _MARKS:
            colours[name] = networks.setdefault(label, _NETWORKS[len(networks) % len(_NETWORKS)])
        else:
            colours[name] = _OTHER
    return colours
