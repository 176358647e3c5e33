"""Demonstrations as one PNG: paths in a plane, coloured by time, and histograms of the actions."""

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from becalm.plugin.report import Picture
from becalm_policies.demonstrations.episodes import Array, Episodes

_COLUMNS = 4
_MOST_PATHS = 300
_MOST_HISTOGRAMS = 12
_WIDTH, _HEIGHT = 3.2, 2.2
_PATHS_HEIGHT = 4.6
# The last yellows are faint on white.
_MAP = LinearSegmentedColormap.from_list("time", colormaps["viridis"](np.linspace(0, 0.9, 256)))


def plot_demonstrations(episodes: Episodes) -> Picture:
    """Paths of the first two entries of observations and of actions, below them the histograms.

    Of more than 300 episodes 300 are drawn, evenly chosen; of more than 12 action entries the first 12.
    """
    shown = min(episodes.actions.shape[1], _MOST_HISTOGRAMS)
    rows = math.ceil(shown / _COLUMNS)
    size = (_COLUMNS * _WIDTH, _PATHS_HEIGHT + rows * _HEIGHT)
    figure = Figure(figsize=size, layout="constrained")  # Without pyplot it knows no screen.
    parts: Any = figure.subfigures(2, 1, height_ratios=[_PATHS_HEIGHT, rows * _HEIGHT])
    above, below = parts
    axes = above.subplots(1, 2)
    for axis, title in zip(axes, ("observation", "action"), strict=True):
        bar = _paths(axis, episodes, title)
    above.colorbar(bar, ax=list(axes), label="time within the episode", ticks=[0, 1], shrink=0.8)
    _histograms(below, episodes, shown)
    return Picture.of_figure(figure, dpi=100)


def _paths(axis: Any, episodes: Episodes, title: str) -> Any:
    """One line per episode through the first two entries, or through time and the only one."""
    values, names = episodes.entries(title), _names(episodes, title)
    count = len(episodes)
    selected = np.unique(np.linspace(0, count - 1, min(count, _MOST_PATHS)).astype(int))
    segments, times, ends = [], [], []
    for number in selected:
        steps = slice(episodes.starts[number], episodes.ends[number])
        points = values[steps, :2]
        if points.shape[1] == 1:
            points = np.column_stack([np.arange(len(points)), points])
        ends.append(points[-1])
        segments.append(np.stack([points[:-1], points[1:]], axis=1))
        times.append(np.linspace(0, 1, len(points))[:-1])
    lines = LineCollection(
        list(np.concatenate(segments)),
        array=np.concatenate(times),
        cmap=_MAP,
        linewidths=0.8,
        alpha=max(0.35, min(1.0, 12 / len(selected))),
    )
    lines.set_clim(0, 1)
    axis.add_collection(lines)
    axis.scatter(*np.transpose(ends), s=6, color="black", linewidths=0, zorder=3, label="last step")
    first, second = names[:2] if len(names) > 1 else ("step", names[0])
    axis.set(xlabel=first, ylabel=second)
    axis.autoscale_view()
    if _alike(values):
        axis.set_aspect("equal", adjustable="box")
    shown = "" if len(selected) == count else f", {len(selected)} of {count} episodes"
    axis.set_title(f"{title}s{shown}", fontsize=10)
    axis.legend(loc="upper right", fontsize=7, frameon=False)
    return ScalarMappable(Normalize(0, 1), _MAP)  # Its bar is opaque, whatever the lines are.


def _histograms(below: Any, episodes: Episodes, shown: int) -> None:
    names = _names(episodes, "action")
    rows = math.ceil(shown / _COLUMNS)
    axes = below.subplots(rows, min(shown, _COLUMNS), squeeze=False).ravel()
    for number, axis in enumerate(axes):
        if number >= shown:
            axis.axis("off")
            continue
        axis.hist(episodes.actions[:, number], bins=60, color="tab:blue")
        axis.set_xlabel(names[number])
        for name in ("action_low", "action_high"):
            bound = episodes.spec.get(name)
            if bound is not None:
                axis.axvline(bound[number], color="tab:red", linewidth=1, linestyle="--")
    axes[0].set_ylabel("steps")


def _names(episodes: Episodes, title: str) -> list[str]:
    return episodes.names(title) or [f"{title} {number}" for number in range(episodes.entries(title).shape[1])]


def _alike(values: Array) -> bool:
    """Whether the first two entries have ranges alike enough to be the axes of one plane."""
    if values.shape[1] < 2:
        return False
    spread = np.ptp(values[:, :2], axis=0)
    return bool(spread.min() > 0 and spread.max() < 4 * spread.min())
